#include "core/cuda/library_folders.h"

#include <cstdlib>
#include <string>

#include <glob.h>

namespace hadal::cuda {
namespace {

namespace fs = std::filesystem;

/// What `pattern` names, in order.
void add_matches(const std::string& pattern, std::vector<fs::path>& found) {
  glob_t matches{};
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
  ::globfree(&matches);
}

}  // namespace

std::vector<fs::path> library_folders(const std::vector<fs::path>& roots) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const fs::path& root : roots)
    for (const char* inside :
         {"lib64", "lib", "targets/x86_64-linux/lib", "cu13/lib", "cudnn/lib", "nccl/lib"})
      if (fs::is_directory(root / inside, ignored)) folders.push_back(root / inside);
  return folders;
}

std::vector<fs::path> usual_roots() {
  std::vector<fs::path> roots;
  for (const char* variable : {"HADAL_CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"})
    if (const char* const root = std::getenv(variable)) roots.emplace_back(root);
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const char* const prefix = std::getenv(variable))
      add_matches(std::string(prefix) + "/lib/python3*/site-packages/nvidia", roots);
  roots.emplace_back("/usr/local/cuda");
  add_matches("/usr/local/cuda-13*", roots);
  if (const char* const home = std::getenv("HOME"))
    add_matches(std::string(home) + "/.local/lib/python3*/site-packages/nvidia", roots);
  add_matches("/usr/local/lib/python3*/*-packages/nvidia", roots);
  add_matches("/usr/lib/python3*/dist-packages/nvidia", roots);
  return roots;
}

}  // namespace hadal::cuda
