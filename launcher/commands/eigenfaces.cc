// `hadal eigenfaces`: faces as points of a space of eigenfaces.
#include <memory>
#include <vector>

#include "launcher/command.h"
#include "launcher/eigenfaces/nested.h"

namespace hadal::launcher {
namespace {

Action declare(Arguments& app) {
  app.require_nested();
  const std::vector<faces::Nested> nested{
      faces::declare_train(app),      faces::declare_identify(app), faces::declare_distance(app),
      faces::declare_locate(app),     faces::declare_track(app),    faces::declare_reconstruct(app),
      faces::declare_dictionary(app),
  };
  return [nested] {
    for (const faces::Nested& one : nested)
      if (one.app.parsed()) return one.action();
    return 0;
  };
}

}  // namespace

Command eigenfaces_command() {
  return {"eigenfaces", "recognise, detect, complete and encode faces by eigenfaces",
          "hadal eigenfaces train orl_faces --out runs/faces", declare};
}

}  // namespace hadal::launcher
