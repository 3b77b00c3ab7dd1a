// Opens the GPU backend's plug-in, libhadal_cuda.so, when it is asked for. Part of every program,
// with or without a CUDA toolkit at build time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"

namespace hadal::cuda {

/// Where things are looked for.
struct PluginPlaces {
  std::string driver = "libcuda.so.1";  // as the dynamic linker finds it
  std::vector<std::filesystem::path> folders;
  /// Of CUDA's libraries, where the dynamic linker finds one of them nowhere (library_folders.h).
  std::vector<std::filesystem::path> library_folders = {};

  /// HADAL_PLUGIN_DIR where it is set, the program's own folder, ../lib beside it.
  static PluginPlaces usual();
};

/// A plug-in: who asks for it (messages begin with that), its file, the function that tells its
/// interface and what that must say, and the libraries it wants, for people.
struct PluginFile {
  std::string who;
  std::string file;
  std::string interface_function;
  std::string interface_text;
  std::string wants;
};

/// Opens it, for dlsym(); it stays loaded until the process ends. Throws DeviceError, with the way
/// out, when this machine has no CUDA driver, when the plug-in is not there, cannot be loaded, or
/// is of another build.
void* open_plugin(const PluginFile& plugin, const PluginPlaces& places);

/// The opened libhadal_cuda.so; it stays loaded until the process ends.
class Plugin {
 public:
  /// Throws as open_plugin() does, beginning with "device <name>: ".
  explicit Plugin(const std::string& device_name,
                  const PluginPlaces& places = PluginPlaces::usual());

  /// Throws DeviceError unless there is at least one.
  int devices() const;
  /// Throws DeviceError.
  std::unique_ptr<Backend> open(int ordinal) const;

 private:
  std::string device_name_;
  void* library_ = nullptr;
};

/// Whether this machine has a CUDA driver, so that asking for a GPU makes sense.
bool has_driver(const PluginPlaces& places = PluginPlaces::usual());

}  // namespace hadal::cuda
