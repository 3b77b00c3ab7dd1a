// A new family is a file of this folder that defines `Family NAME_family()`, its declaration and
// its line here.
#include "models/registry.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::models {

Family basic_family();
Family fractalnet_family();
Family imagenet_resnet_family();
Family keras_cifar_family();
Family lenet5_family();
Family plain_family();
Family preact_resnet_family();
Family resnet_family();
Family tf_mnist_family();
Family vgg_family();

const std::vector<Family>& all_families() {
  static const std::vector<Family> families = {
      basic_family(),    fractalnet_family(), imagenet_resnet_family(), keras_cifar_family(),
      lenet5_family(),   plain_family(),      preact_resnet_family(),   resnet_family(),
      tf_mnist_family(), vgg_family(),
  };
  return families;
}

const Family& find_family(std::string_view name) {
  std::vector<std::string> known;
  for (const Family& family : all_families()) {
    if (family.name == name) return family;
    known.push_back(family.name);
  }
  throw ConfigError(unknown_name("model", name, known));
}

Options read_options(std::string_view name, std::span<const std::string> settings) {
  const Family& family = find_family(name);
  return Options(family.name, family.options, settings);
}

Model build(std::string_view name, std::span<const std::string> settings, const InputSpec& input) {
  const Options options = read_options(name, settings);
  return find_family(name).build(options, input);
}

}  // namespace hadal::models
