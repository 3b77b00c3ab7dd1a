#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

std::string join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);

/// The known name nearest to `name` by edit distance, or "" when none is near enough to be what was
/// meant.
std::string did_you_mean(std::string_view name, std::span<const std::string> known);

/// "unknown model 'resnt'; did you mean 'resnet'? known models: fractalnet, lenet, resnet"
std::string unknown_name(std::string_view kind, std::string_view name,
                         std::span<const std::string> known);

/// Whether `a` comes before `b` where runs of digits are compared as numbers: "s2" before "s10".
bool natural_less(std::string_view a, std::string_view b);

/// Whole text as a number; throws ConfigError that names `what` and quotes the text otherwise.
double parse_double(std::string_view text, std::string_view what);
long long parse_int(std::string_view text, std::string_view what);
bool parse_bool(std::string_view text, std::string_view what);
/// "2GB" (10^9 each), "512MiB" or "512M" (2^20 each), "1.5GiB", "4096"; upper or lower case.
long long parse_bytes(std::string_view text, std::string_view what);

/// "1.5 GiB", "12.0 KiB", "17 B".
std::string format_bytes(double bytes);
/// "1h 02m", "3m 05s", "4.2s".
std::string format_duration(double seconds);
/// "1,719,866".
std::string format_count(long long count);

}  // namespace hadal
