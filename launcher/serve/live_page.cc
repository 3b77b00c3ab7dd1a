#include "launcher/serve/live_page.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "launcher/environment.h"
#include "launcher/report/report.h"
#include "launcher/table_input.h"
#include "launcher/version.h"

namespace hadal::launcher::serve {
namespace {

namespace fs = std::filesystem;

constexpr double kLookEvery_s = 1;
// A browser asks every two seconds; when none has for so long, nobody looks.
constexpr double kInterest_s = 15;
// The cores belong to the trainings: pages take at most a fifth of one.
constexpr double kRestPerWork = 4;

constexpr const char* kFiles[] = {"plan.json",     "sweep.jsonl",   "spec.textproto",
                                  "metrics.jsonl", "progress.json", "result.json"};

void add_files(const fs::path& folder, std::string& text) {
  for (const char* name : kFiles) {
    std::error_code error;
    const auto time = fs::last_write_time(folder / name, error);
    if (error) continue;
    text += fmt::format("{} {} {}\n", name, fs::file_size(folder / name, error),
                        time.time_since_epoch().count());
  }
}

void add_folder(const fs::path& folder, int depth, std::string& text) {
  text += folder.filename().string() + "\n";
  add_files(folder, text);
  std::error_code error;
  if (depth > 0)
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.is_directory(error)) add_folder(entry.path(), depth - 1, text);
}

}  // namespace

std::string signature_of(const std::vector<fs::path>& folders) {
  std::string text;
  for (const fs::path& folder : folders) add_folder(folder, 2, text);
  return hex64(hash64(text));
}

LivePage::LivePage(std::vector<fs::path> folders)
    : folders_(std::move(folders)), page_(make(signature_of(folders_))) {
  thread_ = std::thread([this] { refresh(); });
}

LivePage::~LivePage() {
  end(0);
  thread_.join();
}

std::shared_ptr<const Answer> LivePage::find(const std::string& path) {
  if (path != "/") return nullptr;
  const std::lock_guard lock(mutex_);
  asked_at_ = clock_.now_s();
  changed_.notify_one();
  return page_;
}

bool LivePage::end(double patience_s) {
  std::unique_lock lock(mutex_);
  ending_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, std::chrono::duration<double>(patience_s), [&] { return ended_; });
}

std::shared_ptr<const Answer> LivePage::make(const std::string& signature) const {
  const std::vector<Table> tables = read_tables(folders_);
  const std::string made = fmt::format("as of {}, shown by {}", utc_now(), version_line());
  report::LivePage page = report::live_page(tables, made);
  return std::make_shared<const Answer>(Answer{.type = "text/html; charset=utf-8",
                                               .body = std::move(page.html),
                                               .etag = '"' + signature + '"',
                                               .content_policy = std::move(page.content_policy)});
}

void LivePage::refresh() {
  std::string shown = page_->etag;
  double rest_s = kLookEvery_s;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, std::chrono::duration<double>(rest_s), [&] { return ending_; });
    changed_.wait(lock, [&] { return ending_ || clock_.now_s() - asked_at_ < kInterest_s; });
    if (ending_) break;
    lock.unlock();
    const double before = clock_.now_s();
    std::shared_ptr<const Answer> page;
    try {
      const std::string signature = signature_of(folders_);
      if ('"' + signature + '"' != shown) page = make(signature);
    } catch (const Error&) {
      // As it was; the next look may find it whole.
    } catch (const fs::filesystem_error&) {
    }
    rest_s = std::max(kLookEvery_s, kRestPerWork * (clock_.now_s() - before));
    lock.lock();
    if (page) {
      shown = page->etag;
      page_ = std::move(page);
    }
  }
  ended_ = true;
  changed_.notify_all();
}

}  // namespace hadal::launcher::serve
