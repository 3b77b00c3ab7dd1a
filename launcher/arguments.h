// What a command says about its options. A thin face over CLI11, whose one header costs the
// compiler ten seconds a file: it is named in arguments.cc and command_line.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hadal::launcher {

/// What the words of an option are read into; it has to outlive the reading.
using Destination =
    std::variant<std::string*, std::filesystem::path*, int*, std::int64_t*, std::uint16_t*,
                 std::uint64_t*, float*, double*, std::optional<int>*, std::optional<std::int64_t>*,
                 std::optional<double>*, std::optional<std::string>*, std::vector<std::string>*,
                 std::vector<int>*, std::vector<std::int64_t>*, std::vector<double>*>;

/// What a word must be, beside being of its option's type. Also said in the help.
class Check {
 public:
  static Check positive();
  static Check not_negative();
  static Check between(double least, double most);
  static Check one_of(std::vector<std::string> names);
  /// Some other: `problem` of a word is "" when it will do; `wanted` goes into the help.
  static Check by(std::function<std::string(const std::string& word)> problem, std::string wanted);

 private:
  friend class Option;
  explicit Check(std::function<void(CLI::Option&)> add) : add_(std::move(add)) {}
  std::function<void(CLI::Option&)> add_;
};

/// An option or positional, declared.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option& required();
  Option& check(const Check& check);
  /// Shows what the destination holds as the default.
  Option& show_default();
  Option& show_default(const std::string& text);
  /// Every word wants the option's name before it: --set a=1 --set b=2.
  Option& one_word_each();
  /// One word holds several values.
  Option& separated_by(char separator);
  Option& excludes(const Option& other);

 private:
  CLI::Option* option_;
};

/// The options of one command. Copies stand for the same command.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(&app) {}

  /// `name` as in "--runs", "-n,--rows", or "FOLDER" for a positional.
  template <typename T>
  Option add_option(const std::string& name, T& value, const std::string& help) {
    return add(name, &value, help);
  }
  Option add_flag(const std::string& name, bool& value, const std::string& help);

  /// A subcommand (`hadal sweep run`) with its own example.
  Arguments add_nested(const std::string& name, const std::string& summary,
                       const std::string& example);
  /// One subcommand has to be given.
  void require_nested();
  /// A paragraph more at the end of the help.
  void add_help(const std::string& text);

  void on_parsed(std::function<void()> callback);
  /// Whether this command was called; for actions.
  bool parsed() const;

 private:
  Option add(const std::string& name, Destination value, const std::string& help);
  CLI::App* app_;
};

}  // namespace hadal::launcher
