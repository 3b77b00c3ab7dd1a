#include "core/matrix/open_rows.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "core/data/byte_source.h"
#include "core/data/idx.h"
#include "core/image/read_image.h"
#include "core/matrix/cifar_rows.h"
#include "core/matrix/converted_rows.h"
#include "core/matrix/csv.h"
#include "core/matrix/idx_rows.h"
#include "core/matrix/joined_rows.h"
#include "core/matrix/npy.h"
#include "core/matrix/npz.h"

namespace hadal::matrix {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListBytes = 64 << 20;

enum class Form { kNpy, kNpz, kIdx, kPicture, kCifar, kText };

struct Input {
  fs::path path;
  Form form;
  std::string key{};  // of an .npz
};

Form form_of(const fs::path& path) {
  const auto source = data::open_maybe_gzip(path);
  std::string bytes(512, '\0');
  bytes.resize(source->read(bytes.data(), bytes.size()));
  if (bytes.starts_with("\x93NUMPY")) return Form::kNpy;
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return Form::kNpz;
  if (bytes.starts_with("\x89PNG") || bytes.starts_with("\xff\xd8\xff")) return Form::kPicture;
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
      (bytes[2] == '#' || trim(bytes.substr(2, 1)).empty()))
    return Form::kPicture;
  if (path.extension() == ".bin") return Form::kCifar;
  if (data::looks_like_idx(bytes)) return Form::kIdx;
  const bool is_text = std::ranges::none_of(bytes, [](char c) {
    return static_cast<unsigned char>(c) < ' ' && trim({&c, 1}) != "";
  });
  if (is_text && !bytes.empty() && path.extension() != ".gz") return Form::kText;
  throw DataError(
      fmt::format("{}: of no form that is read: .npy, .npz, CSV, IDX (.gz too), CIFAR's .bin, PNG, "
                  "JPEG, PGM and "
                  "PPM, folders of pictures, @LIST of such files",
                  path.string()));
}

// The training files of a data set, by their official names.
std::vector<fs::path> training_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "train.bin"})
    if (fs::exists(folder / name)) files.push_back(folder / name);
  if (!files.empty()) return files;
  for (const char* name : {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"})
    if (fs::exists(folder / name)) return {folder / name};
  return {};
}

class Inputs {
 public:
  explicit Inputs(const OpenOptions& options) : options_(options) {}

  void add(const std::string& text, bool in_list = false) {
    if (text.starts_with('@') && !in_list) return add_list(text.substr(1));
    fs::path path = text;
    std::string key = options_.key;
    std::error_code ignored;
    if (!fs::exists(path, ignored))
      if (const std::size_t colon = text.rfind(".npz:"); colon != std::string::npos) {
        path = text.substr(0, colon + 4);
        key = text.substr(colon + 5);
      }
    if (fs::is_directory(path, ignored)) return add_folder(path);
    const Form form = form_of(path);
    inputs_.push_back({path, form, form == Form::kNpz ? key : ""});
  }

  std::vector<std::unique_ptr<RowSource>> open() {
    require_use(!options_.key.empty(), Form::kNpz, "a key", ".npz file");
    require_use(!options_.label_column.empty(), Form::kText, "a label column", "CSV file");
    require_use(options_.pictures.grey || options_.pictures.resize, Form::kPicture,
                "grey or another size", "picture");
    std::vector<std::unique_ptr<RowSource>> parts;
    for (std::size_t i = 0; i < inputs_.size();) {
      // Pictures one after another are one matrix: their folders are its labels.
      std::size_t end = i + 1;
      if (inputs_[i].form == Form::kPicture)
        while (end < inputs_.size() && inputs_[end].form == Form::kPicture) ++end;
      parts.push_back(open(i, end));
      if (options_.element) parts.back() = converted(std::move(parts.back()), *options_.element);
      i = end;
    }
    return parts;
  }

 private:
  void add_list(const fs::path& list) {
    for (const std::string& line : split(read_file(list, kListBytes), '\n')) {
      const std::string_view entry = trim(line);
      if (entry.empty() || entry.front() == '#') continue;
      add((list.parent_path() / fs::path(entry)).string(), true);
    }
    if (inputs_.empty()) throw DataError(fmt::format("{}: lists no files", list.string()));
  }

  void add_folder(const fs::path& folder) {
    const std::vector<fs::path> training = training_files(folder);
    for (const fs::path& file : training) inputs_.push_back({file, form_of(file)});
    if (!training.empty()) return;
    const std::vector<fs::path> pictures = pictures_below(folder);
    for (const fs::path& file : pictures) inputs_.push_back({file, Form::kPicture});
    if (pictures.empty())
      throw DataError(fmt::format(
          "{}: a folder without pictures (.png, .jpg, .jpeg, .pgm, .ppm, .pnm) or training files "
          "of "
          "CIFAR or MNIST; matrices in files are named one by one, or in a text file as @LIST",
          folder.string()));
  }

  void require_use(bool wanted, Form form, const char* what, const char* file) const {
    if (wanted && std::ranges::none_of(inputs_, [&](const Input& i) { return i.form == form; }))
      throw ConfigError(fmt::format("{}: {} is asked for, and none of the inputs is a {}",
                                    inputs_[0].path.string(), what, file));
  }

  std::unique_ptr<RowSource> open(std::size_t begin, std::size_t end) const {
    const Input& input = inputs_[begin];
    switch (input.form) {
      case Form::kNpy:
        return open_npy(input.path, options_.use, options_.on_note);
      case Form::kNpz:
        return open_npz(input.path, input.key, options_.use, options_.on_note);
      case Form::kIdx:
        return open_idx(input.path, options_.use);
      case Form::kCifar:
        return open_cifar(input.path, options_.use);
      case Form::kText:
        return open_csv(input.path, options_.label_column);
      case Form::kPicture:
        break;
    }
    std::vector<fs::path> pictures;
    for (std::size_t i = begin; i < end; ++i) pictures.push_back(inputs_[i].path);
    return open_pictures(pictures, options_.pictures);
  }

  const OpenOptions& options_;
  std::vector<Input> inputs_;
};

}  // namespace

std::unique_ptr<RowSource> open_rows(const std::vector<std::string>& paths,
                                     const OpenOptions& options) {
  if (paths.empty()) throw ConfigError("no input files");
  Inputs inputs(options);
  for (const std::string& path : paths) inputs.add(path);
  std::unique_ptr<RowSource> rows = joined(inputs.open());
  if (options.picture) rows->set_picture(*options.picture);
  return rows;
}

}  // namespace hadal::matrix
