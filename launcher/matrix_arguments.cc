#include "launcher/matrix_arguments.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/matrix/open_rows.h"
#include "launcher/environment.h"

namespace hadal::launcher {

namespace {

// "112x92" and, with `channels`, "32x32x3".
matrix::PictureShape parse_shape(const std::string& text, const std::string& option,
                                 bool channels) {
  const std::vector<std::string> parts = split(text, 'x');
  std::vector<int> sizes;
  if (parts.size() == 2 || (channels && parts.size() == 3))
    for (const std::string& part : parts)
      if (part.find_first_not_of("0123456789") == std::string::npos && part.size() < 6)
        sizes.push_back(static_cast<int>(parse_int(part, option)));
  if (sizes.size() != parts.size() || std::ranges::count(sizes, 0) > 0)
    throw ConfigError(fmt::format("{}: '{}' is no size; wanted height x width{}, as {}", option,
                                  text, channels ? " (x 3 for colour)" : "",
                                  channels ? "112x92 or 32x32x3" : "112x92"));
  return {.height = sizes[0], .width = sizes[1], .channels = sizes.size() == 3 ? sizes[2] : 1};
}

}  // namespace

Option declare_matrix(Arguments& app, MatrixArguments& a) {
  Option files = app.add_option(
      "FILES", a.files,
      "the matrix: .npy, .npz, CSV, IDX, CIFAR, pictures, folders of them, @LIST; rows of "
      "several follow one another");
  app.add_option("--key", a.key, "which array of an .npz file");
  app.add_option("--label-column", a.label_column,
                 "the column of a CSV file that holds labels: its name or number");
  app.add_flag("--grey", a.grey, "pictures in grey");
  app.add_option("--resize", a.resize,
                 "size that every picture becomes, as 112x92 (height x width)");
  app.add_option("--picture", a.picture,
                 "how a row is a picture where files do not say, as 112x92 or 32x32x3");
  app.add_option("--memory", a.memory, "what each rank may hold, as 2GB or 512MiB");
  app.add_option("--threads", a.threads, "of each rank (default: its share of the cores)")
      .check(Check::between(1, 1024));
  return files;
}

std::int64_t memory_bytes(const MatrixArguments& a) {
  return a.memory.empty() ? 0 : parse_bytes(a.memory, "--memory");
}

std::unique_ptr<matrix::RowSource> open_matrix(const MatrixArguments& a, bool is_root) {
  matrix::OpenOptions options;
  options.use.memory_bytes = memory_bytes(a);
  options.key = a.key;
  options.label_column = a.label_column;
  options.pictures.grey = a.grey;
  if (!a.resize.empty()) {
    const matrix::PictureShape size = parse_shape(a.resize, "--resize", false);
    options.pictures.resize = matrix::PictureSize{size.height, size.width};
  }
  if (!a.picture.empty()) options.picture = parse_shape(a.picture, "--picture", true);
  if (is_root)
    options.on_note = [](const std::string& note) { std::cerr << "hadal: note: " << note << "\n"; };
  return matrix::open_rows(a.files, options);
}

int threads_of(int asked, const dist::World& world) {
  if (asked > 0) return asked;
  const auto cores = static_cast<int>(usable_cores().size());
  const auto ranks_here =
      static_cast<int>(std::count(world.hosts().begin(), world.hosts().end(), host_name()));
  return std::max(1, cores / std::max(1, ranks_here));
}

std::string name_of(matrix::Element element) {
  switch (element) {
    case matrix::Element::kU8:
      return "u8";
    case matrix::Element::kF32:
      return "f32";
    case matrix::Element::kF64:
      break;
  }
  return "f64";
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string describe_matrix(const matrix::RowSource& a) {
  const double bytes = static_cast<double>(a.rows()) * static_cast<double>(a.cols()) *
                       static_cast<double>(matrix::bytes_of(a.element()));
  std::string text = fmt::format("{} x {} {} ({})", format_count(a.rows()), format_count(a.cols()),
                                 name_of(a.element()), format_bytes(bytes));
  if (const auto& p = a.picture())
    text += fmt::format(", pictures of {}x{}{}", p->height, p->width, p->channels == 3 ? "x3" : "");
  if (!a.labels().empty()) text += fmt::format(", {} labels", a.label_names().size());
  return text;
}

}  // namespace hadal::launcher
