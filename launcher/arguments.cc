#include "launcher/arguments.h"

#include <CLI/CLI.hpp>

namespace hadal::launcher {

Check Check::positive() {
  return Check([](CLI::Option& option) { option.check(CLI::PositiveNumber); });
}

Check Check::not_negative() {
  return Check([](CLI::Option& option) { option.check(CLI::NonNegativeNumber); });
}

Check Check::between(double least, double most) {
  return Check([=](CLI::Option& option) { option.check(CLI::Range(least, most)); });
}

Check Check::one_of(std::vector<std::string> names) {
  return Check(
      [names = std::move(names)](CLI::Option& option) { option.check(CLI::IsMember(names)); });
}

Check Check::by(std::function<std::string(const std::string& word)> problem, std::string wanted) {
  return Check([problem = std::move(problem), wanted = std::move(wanted)](CLI::Option& option) {
    option.check(CLI::Validator([problem](std::string& word) { return problem(word); }, wanted));
  });
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::check(const Check& check) {
  check.add_(*option_);
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::show_default(const std::string& text) {
  option_->default_str(text);
  return *this;
}

Option& Option::one_word_each() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::separated_by(char separator) {
  option_->delimiter(separator);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option Arguments::add(const std::string& name, Destination value, const std::string& help) {
  return std::visit(
      [&](auto* destination) { return Option(*app_->add_option(name, *destination, help)); },
      value);
}

Option Arguments::add_flag(const std::string& name, bool& value, const std::string& help) {
  return Option(*app_->add_flag(name, value, help));
}

Arguments Arguments::add_nested(const std::string& name, const std::string& summary,
                                const std::string& example) {
  CLI::App* nested = app_->add_subcommand(name, summary);
  nested->footer("Example:\n  " + example + "\n");
  return Arguments(*nested);
}

void Arguments::require_nested() { app_->require_subcommand(1); }

void Arguments::add_help(const std::string& text) {
  app_->footer(app_->get_footer() + "\n" + text + "\n");
}

void Arguments::on_parsed(std::function<void()> callback) { app_->callback(std::move(callback)); }

bool Arguments::parsed() const { return app_->parsed(); }

}  // namespace hadal::launcher
