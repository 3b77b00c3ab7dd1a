// The commands below `hadal eigenfaces`. A new one is a file of this folder that defines its
// declare_NAME(), its declaration here and its line in commands/eigenfaces.cc.
#pragma once

#include "launcher/command.h"

namespace hadal::launcher::faces {

/// A nested command, and what it does when it was chosen.
struct Nested {
  Arguments app;
  Action action;
};

Nested declare_dictionary(Arguments& app);
Nested declare_distance(Arguments& app);
Nested declare_identify(Arguments& app);
Nested declare_locate(Arguments& app);
Nested declare_reconstruct(Arguments& app);
Nested declare_track(Arguments& app);
Nested declare_train(Arguments& app);

}  // namespace hadal::launcher::faces
