// hadal pca: principal components of a matrix in files, alone or under mpirun, and what a saved
// model makes of other rows.
#include <memory>

#include "core/base/error.h"
#include "launcher/command.h"
#include "launcher/decomposition/apply.h"
#include "launcher/decomposition/decompose.h"

namespace hadal::launcher {
namespace {

void declare_apply(Arguments& app, ApplyOptions& o, const std::string& result) {
  app.add_option("MODEL", o.model, "folder that hadal pca --out made").required();
  declare_matrix(app, o.matrix).required();
  app.add_option("--out", o.out, result).required();
  app.add_flag("--overwrite", o.overwrite, "replace the file if it is there");
}

Action declare(Arguments& app) {
  const auto pca = std::make_shared<DecomposeOptions>();
  const auto apply = std::make_shared<ApplyOptions>();
  const auto chosen = std::make_shared<int (*)(const ApplyOptions&)>(nullptr);
  pca->command = "pca";
  declare_decomposition(app, *pca);
  Arguments to_scores = app.add_nested("transform", "scores of rows under a saved model",
                                       "hadal pca transform pca/ more.npy --out scores.npy");
  declare_apply(to_scores, *apply, "scores, a .npy file");
  to_scores.on_parsed([chosen] { *chosen = transform; });
  Arguments from_scores = app.add_nested("inverse", "rows from scores under a saved model",
                                         "hadal pca inverse pca/ scores.npy --out rows.npy");
  declare_apply(from_scores, *apply, "rows, a .npy file");
  from_scores.on_parsed([chosen] { *chosen = inverse; });
  return [pca, apply, chosen] { return *chosen != nullptr ? (*chosen)(*apply) : decompose(*pca); };
}

}  // namespace

Command pca_command() {
  return {"pca", "principal components of a matrix",
          "mpirun -np 2 hadal pca matrix.npy --components 50 --out pca", declare};
}

}  // namespace hadal::launcher
