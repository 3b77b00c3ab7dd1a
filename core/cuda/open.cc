#include "core/cuda/open.h"

#include <array>
#include <cstdlib>
#include <system_error>

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/cuda/library_folders.h"
#include "core/cuda/plugin.h"

namespace hadal::cuda {
namespace {

namespace fs = std::filesystem;

using Message = std::array<char, 512>;

std::string looked_in(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) names.push_back(folder.string());
  return join(names, ", ");
}

template <typename Function>
Function* function(void* library, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

/// The library that the dynamic linker did not find; "" when it complains of something else.
std::string missing_library(std::string_view complaint) {
  const std::size_t end = complaint.find(": cannot open shared object file");
  return end == std::string_view::npos ? "" : std::string(complaint.substr(0, end));
}

/// Opens `file`; libraries it wants that the dynamic linker does not find are loaded from `folders`
/// first: once in the process, they are found by their names. Null with the linker's complaint.
void* open_with_libraries(const std::string& file, int flags, const std::vector<fs::path>& folders,
                          std::string& complaint) {
  std::string before;
  while (true) {
    if (void* const library = ::dlopen(file.c_str(), flags)) return library;
    const char* const reason = ::dlerror();
    complaint = reason ? reason : file + " cannot be loaded";
    const std::string missing = missing_library(complaint);
    if (missing.empty() || missing == before || missing.find('/') != std::string::npos)
      return nullptr;
    before = missing;
    bool loaded = false;
    std::error_code ignored;
    for (const fs::path& folder : folders)
      loaded = loaded ||
               (fs::exists(folder / missing, ignored) &&
                open_with_libraries(folder / missing, RTLD_LAZY | RTLD_GLOBAL, folders, complaint));
    if (!loaded) return nullptr;
  }
}

}  // namespace

PluginPlaces PluginPlaces::usual() {
  PluginPlaces places;
  places.library_folders = cuda::library_folders(usual_roots());
  if (const char* folder = std::getenv("HADAL_PLUGIN_DIR")) places.folders.emplace_back(folder);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return places;
  places.folders.push_back(program.parent_path());
  places.folders.push_back(program.parent_path().parent_path() / "lib");
  return places;
}

bool has_driver(const PluginPlaces& places) {
  return ::dlopen(places.driver.c_str(), RTLD_LAZY) != nullptr;
}

void* open_plugin(const PluginFile& plugin, const PluginPlaces& places) {
  const auto refuse = [&](const std::string& why) {
    throw DeviceError(fmt::format("{}: {}", plugin.who, why));
  };
  if (!has_driver(places))
    refuse(fmt::format("no CUDA driver on this machine ({} cannot be loaded); use --device cpu",
                       places.driver));
  fs::path file;
  std::error_code ignored;
  for (const fs::path& folder : places.folders)
    if (file.empty() && fs::exists(folder / plugin.file, ignored)) file = folder / plugin.file;
  if (file.empty())
    refuse(
        fmt::format("{} not found (looked in {}); configure with -DHADAL_CUDA=ON, or name its "
                    "folder in HADAL_PLUGIN_DIR",
                    plugin.file, looked_in(places.folders)));
  std::string complaint;
  void* const library = open_with_libraries(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE,
                                            places.library_folders, complaint);
  if (!library)
    refuse(fmt::format(
        "{}; {} must be where the dynamic linker looks (LD_LIBRARY_PATH), or name a toolkit's "
        "folder in HADAL_CUDA_ROOT (looked in {})",
        complaint, plugin.wants,
        places.library_folders.empty() ? "no folder" : looked_in(places.library_folders)));
  auto* const interface = function<const char*()>(library, plugin.interface_function.c_str());
  if (!interface) refuse(file.string() + " is no plug-in of this program");
  if (interface() != plugin.interface_text)
    refuse(fmt::format("{} is of another build ({}, this program is {}); build both together",
                       file.string(), interface(), plugin.interface_text));
  return library;
}

Plugin::Plugin(const std::string& device_name, const PluginPlaces& places)
    : device_name_(device_name),
      library_(open_plugin({.who = "device " + device_name,
                            .file = "libhadal_cuda.so",
                            .interface_function = "hadal_cuda_interface",
                            .interface_text = HADAL_CUDA_INTERFACE,
                            .wants = "CUDA 13 and cuDNN 9"},
                           places)) {}

int Plugin::devices() const {
  Message message{};
  const int devices = function<decltype(hadal_cuda_devices)>(library_, "hadal_cuda_devices")(
      message.data(), message.size());
  if (devices == 0)
    throw DeviceError(fmt::format("device {}: {}", device_name_,
                                  message[0] ? message.data() : "CUDA shows no GPU"));
  return devices;
}

std::unique_ptr<Backend> Plugin::open(int ordinal) const {
  Message message{};
  Backend* const backend = function<decltype(hadal_cuda_open)>(library_, "hadal_cuda_open")(
      ordinal, message.data(), message.size());
  if (!backend) throw DeviceError(message.data());
  return std::unique_ptr<Backend>(backend);
}

}  // namespace hadal::cuda
