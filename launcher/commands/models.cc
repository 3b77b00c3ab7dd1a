// hadal models: what can be trained, and what can be set on it.
#include <iostream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "core/base/strings.h"
#include "launcher/command.h"
#include "models/registry.h"

namespace hadal::launcher {
namespace {

constexpr std::size_t kColumns = 100;

// Words of `text` in lines of kColumns, each `indent` blanks in.
std::string wrapped(const std::string& text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string lines, line = margin;
  for (const std::string& word : split(text, ' ')) {
    if (line.size() > indent && line.size() + word.size() > kColumns) {
      lines += line + "\n";
      line = margin;
    }
    line += line.size() > indent ? " " + word : word;
  }
  return lines + line + "\n";
}

std::string names_of_options(const models::Family& family) {
  std::vector<std::string> names;
  for (const models::OptionSpec& option : family.options) names.push_back(option.name);
  return names.empty() ? "" : "options: " + join(names, ", ");
}

void print_families() {
  for (const models::Family& family : models::all_families()) {
    std::cout << family.name << "\n" << wrapped(family.summary, 4);
    if (!family.options.empty()) std::cout << wrapped(names_of_options(family), 4);
  }
}

// `model { name: "resnet" set: "depth=110" }`
std::string as_in_a_spec(const models::Family& family) {
  std::string text = fmt::format("model {{ name: \"{}\"", family.name);
  if (!family.example.empty())
    for (const std::string& setting : split(family.example, ' '))
      text += fmt::format(" set: \"{}\"", setting);
  return text + " }";
}

void print_family(const models::Family& family) {
  std::cout << family.name << "\n" << wrapped(family.summary, 4);
  for (const models::OptionSpec& option : family.options)
    std::cout << fmt::format("  {}={}    {}\n", option.name, option.default_value, option.wanted())
              << wrapped(option.meaning, 6);
  std::cout << "in a spec: " << as_in_a_spec(family) << "\n";
}

Action declare(Arguments& app) {
  auto name = std::make_shared<std::string>();
  app.add_option("NAME", *name, "tell all about this one");
  return [name] {
    if (name->empty())
      print_families();
    else
      print_family(models::find_family(*name));
    return 0;
  };
}

}  // namespace

Command models_command() {
  return {"models", "list the models and their options", "hadal models resnet", declare};
}

}  // namespace hadal::launcher
