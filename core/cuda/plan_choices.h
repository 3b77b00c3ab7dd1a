// Which of cuDNN's engines a convolution runs, where that was found out by measuring. Measurements
// differ from run to run and engines differ in their last bits, so what was once chosen is kept in
// a file, one line for a choice:
//
//   <what the choice is for> = <place in cuDNN's own order, or -1: it has none that will do>
//
// With the same file, the same GPU model and the same cuDNN, trainings give the same bits. Without
// a file nothing is measured and cuDNN's first proposal runs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace hadal::cuda {

class PlanChoices {
 public:
  /// Nothing is measured or kept.
  PlanChoices() = default;
  /// Reads `file` where it exists. Every key is of `machine`: GPU model and library version. Throws
  /// DataError for a line that is none of its kind.
  PlanChoices(std::filesystem::path file, std::string machine);

  bool measures() const { return !file_.empty(); }
  std::optional<int> find(const std::string& what) const;
  /// Writes the whole file anew, with what other processes wrote meanwhile.
  void remember(const std::string& what, int choice);

 private:
  void read();

  std::filesystem::path file_;
  std::string machine_;
  std::map<std::string, int> choices_;
};

}  // namespace hadal::cuda
