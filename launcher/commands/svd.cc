// hadal svd: the leading singular values and vectors of a matrix in files, alone or under mpirun.
#include <memory>

#include "launcher/command.h"
#include "launcher/decomposition/decompose.h"

namespace hadal::launcher {
namespace {

Action declare(Arguments& app) {
  const auto o = std::make_shared<DecomposeOptions>();
  o->command = "svd";
  declare_decomposition(app, *o);
  app.add_flag("--u", o->u, "write u.npy, the left singular vectors");
  return [o] { return decompose(*o); };
}

}  // namespace

Command svd_command() {
  return {"svd", "leading singular values and vectors of a matrix",
          "mpirun -np 2 hadal svd matrix.npy --components 50 --out svd", declare};
}

}  // namespace hadal::launcher
