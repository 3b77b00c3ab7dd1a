// `hadal data`: which data sets there are, whether their files are good, what they look like, and
// how to get them.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/data/fetch.h"
#include "core/data/registry.h"
#include "core/data/verify.h"
#include "core/image/png.h"
#include "experiments/figures/pictures.h"
#include "launcher/command.h"

namespace hadal::launcher {
namespace {

struct Options {
  std::string name, data_dir, out = "contact_sheet.png", split = "train", mirror;
  std::vector<std::string> settings;  // key=value
  int columns = 10, zoom = 2;
};
using Shared = std::shared_ptr<Options>;

void add_data_dir(Arguments& app, const Shared& o) {
  app.add_option("--data-dir", o->data_dir, "folder with the data sets, looked into first");
}

void add_set(Arguments& app, const Shared& o) {
  app.add_option("name", o->name, "the data set").required();
  add_data_dir(app, o);
}

void add_settings(Arguments& app, const Shared& o) {
  app.add_option("--set", o->settings, "key=value: an option of the set");
}

data::LoadOptions load_options(const Options& o) {
  data::LoadOptions options{.data_dir = o.data_dir, .values = {}};
  for (const std::string& setting : o.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw UsageError(fmt::format("--set '{}': wanted key=value", setting));
    options.values[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return options;
}

bool has_official_files(const data::DatasetInfo& info, const std::filesystem::path& folder) {
  for (const data::OfficialFile& file : info.files)
    if (data::existing_file(folder, file.path).empty()) return false;
  return true;
}

int list(const Options& o) {
  const auto folders = data::data_folders(o.data_dir);
  for (const data::DatasetInfo& info : data::datasets()) {
    std::string where = info.files.empty() ? "built in" : "not found";
    for (const data::DataFolder& folder : folders)
      if (where == "not found" && has_official_files(info, folder.path))
        where = "in " + folder.path.string();
    fmt::print("{:<10} {} ({})\n", info.name, info.description, where);
    for (const data::OptionInfo& option : info.options)
      fmt::print("{:<10}   --set {}={}  {}\n", "", option.name, option.default_value,
                 option.meaning);
  }
  fmt::print("Looked for in this order:");
  for (const data::DataFolder& folder : folders)
    fmt::print(" {} ({})", folder.path.string(), folder.named_by);
  fmt::print("\n");
  return 0;
}

void print_split(const data::SplitReport& split) {
  fmt::print("{}: {} images; per class", split.name, format_count(split.count));
  for (const std::int64_t count : split.per_class) fmt::print(" {}", count);
  for (std::size_t c = 0; c < split.channel_mean.size(); ++c)
    fmt::print("{} {:.1f}±{:.1f}", c == 0 ? "; pixels" : ",", split.channel_mean[c],
               split.channel_std[c]);
  fmt::print("\n");
}

int verify(const Options& o) {
  const data::DatasetInfo& info = data::find_dataset(o.name);
  const data::LoadOptions options = load_options(o);
  const auto folder = data::locate(info, options);
  if (!info.files.empty()) fmt::print("{} in {}\n", info.name, folder.string());
  std::string bad;
  // Files that the options do without are not missed.
  const auto resolved = data::resolved_options(info, options.values);
  const auto needed = info.needed_files ? info.needed_files(resolved) : std::vector<std::string>{};
  for (const data::FileReport& report : data::verify_files(info, folder)) {
    if (std::find(needed.begin(), needed.end(), report.path) == needed.end()) continue;
    fmt::print("{}: {}\n", report.path, report.detail);
    if (!report.is_good()) bad = report.path;
  }
  std::fflush(stdout);
  if (!bad.empty())
    throw DataError(
        fmt::format("data set {}: {} is not the official file; get it again with: "
                    "hadal data fetch {}",
                    info.name, bad, info.name));
  for (const data::SplitReport& split : data::describe(data::load_dataset(o.name, options)))
    print_split(split);
  return 0;
}

// One row per class: its first `columns` samples.
figures::PictureSheet samples(const data::Dataset& set, const data::ImageSet& images,
                              const Options& o) {
  const auto columns = static_cast<std::size_t>(o.columns);
  figures::PictureSheet sheet{.columns = o.columns,
                              .tile_width = static_cast<double>(o.zoom * images.width),
                              .row_names = set.class_names};
  sheet.tiles.resize(static_cast<std::size_t>(set.classes) * columns);
  std::vector<std::size_t> filled(static_cast<std::size_t>(set.classes));
  for (std::int64_t i = 0; i < images.count; ++i) {
    const auto label = static_cast<std::size_t>(images.labels[static_cast<std::size_t>(i)]);
    if (filled[label] == columns) continue;
    const std::uint8_t* pixels = images.image(i);
    sheet.tiles[label * columns + filled[label]++].image = {
        .height = images.height,
        .width = images.width,
        .channels = images.channels,
        .pixels = {pixels, pixels + images.bytes_per_image()}};
  }
  return sheet;
}

int sheet(const Options& o) {
  const data::Dataset set = data::load_dataset(o.name, load_options(o));
  const data::ImageSet& images = o.split == "test" ? set.test : set.train;
  image::write_png(o.out, figures::to_image(figures::picture_sheet(samples(set, images, o)), 1));
  fmt::print("{}\n", o.out);
  return 0;
}

// One line, written over at every whole percent.
class ProgressLine {
 public:
  void show(const data::DownloadProgress& p) {
    const int percent = p.total > 0 ? static_cast<int>(100 * p.done / p.total) : 0;
    if (percent == last_percent_ && p.url == last_url_) return;
    last_percent_ = percent;
    last_url_ = p.url;
    fmt::print(stderr, "\r{}: {} of {} ({} %)", p.url, format_bytes(static_cast<double>(p.done)),
               format_bytes(static_cast<double>(p.total)), percent);
    if (p.done == p.total) fmt::print(stderr, "\n");
  }

 private:
  int last_percent_ = -1;
  std::string last_url_;
};

int fetch(const Options& o) {
  const data::DatasetInfo& info = data::find_dataset(o.name);
  const std::filesystem::path folder = data::data_folders(o.data_dir).front().path;
  ProgressLine line;
  data::FetchOptions options{.mirror = o.mirror};
  options.download.progress = [&](const data::DownloadProgress& p) { line.show(p); };
  const auto written = data::fetch(info, folder, options);
  if (written.empty()) fmt::print("{}: every file is there and good\n", info.name);
  for (const std::string& file : written) fmt::print("{}\n", (folder / file).string());
  return 0;
}

Action declare(Arguments& app) {
  const auto o = std::make_shared<Options>();
  const auto chosen = std::make_shared<int (*)(const Options&)>(nullptr);
  app.require_nested();

  Arguments list_app = app.add_nested(
      "list", "the data sets, their options, and where they are looked for", "hadal data list");
  add_data_dir(list_app, o);
  list_app.on_parsed([chosen] { *chosen = list; });

  Arguments verify_app = app.add_nested("verify", "check sizes and digests, count the labels",
                                        "hadal data verify cifar10 --data-dir /data");
  add_set(verify_app, o);
  add_settings(verify_app, o);
  verify_app.on_parsed([chosen] { *chosen = verify; });

  Arguments sheet_app = app.add_nested("sheet", "write a PNG with samples, one row per class",
                                       "hadal data sheet generator --out shapes.png");
  add_set(sheet_app, o);
  add_settings(sheet_app, o);
  sheet_app.add_option("--out", o->out, "the picture").show_default();
  sheet_app.add_option("--split", o->split, "train or test")
      .check(Check::one_of({"train", "test"}))
      .show_default();
  sheet_app.add_option("--columns", o->columns, "samples per class")
      .check(Check::between(1, 1000))
      .show_default();
  sheet_app.add_option("--zoom", o->zoom, "screen pixels per pixel")
      .check(Check::between(1, 64))
      .show_default();
  sheet_app.on_parsed([chosen] { *chosen = sheet; });

  Arguments fetch_app =
      app.add_nested("fetch", "download a set from its official address, or go on with it",
                     "hadal data fetch cifar10 --data-dir /data");
  add_set(fetch_app, o);
  fetch_app.add_option("--mirror", o->mirror,
                       "address to use instead, up to the file name of the official one");
  fetch_app.on_parsed([chosen] { *chosen = fetch; });

  return [o, chosen] { return (*chosen)(*o); };
}

}  // namespace

Command data_command() {
  return {.name = "data",
          .summary = "list, check, show and fetch data sets",
          .example = "hadal data list",
          .declare = declare};
}

}  // namespace hadal::launcher
