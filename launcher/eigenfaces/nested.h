// The commands below `hadal eigenfaces`. A new one is a file of this folder that defines its
// declare_NAME(), its declaration here and its line in commands/eigenfaces.cc.
#pragma once

#include "launcher/command.h"

namespace hadal::launcher::faces {

/// A nested command, and what it does when it was chosen.
struct Nested {
  CLI::App* app;
  Action action;
};

Nested declare_dictionary(CLI::App& app);
Nested declare_distance(CLI::App& app);
Nested declare_identify(CLI::App& app);
Nested declare_locate(CLI::App& app);
Nested declare_reconstruct(CLI::App& app);
Nested declare_track(CLI::App& app);
Nested declare_train(CLI::App& app);

}  // namespace hadal::launcher::faces
