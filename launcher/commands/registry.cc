// The commands of `hadal`. A new one is a file of this folder that defines `Command
// NAME_command()`, its declaration and its line here, both in alphabetical order.
#include "launcher/command.h"

namespace hadal::launcher {

Command data_command();
Command demo_command();
Command diff_command();
Command doctor_command();
Command eigenfaces_command();
Command eval_command();
Command lstsq_command();
Command models_command();
Command pca_command();
Command pinv_command();
Command plan_command();
Command project_command();
Command report_command();
Command serve_command();
Command svd_command();
Command sweep_command();
Command table_command();
Command train_command();
Command watch_command();

std::vector<Command> all_commands() {
  return {
      data_command(),  demo_command(),    diff_command(),   doctor_command(), eigenfaces_command(),
      eval_command(),  lstsq_command(),   models_command(), pca_command(),    pinv_command(),
      plan_command(),  project_command(), report_command(), serve_command(),  svd_command(),
      sweep_command(), table_command(),   train_command(),  watch_command(),
  };
}

}  // namespace hadal::launcher
