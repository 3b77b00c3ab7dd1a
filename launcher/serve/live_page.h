// The report of folders that change, made anew in the background while somebody looks at it.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "launcher/serve/http_server.h"

namespace hadal::launcher::serve {

/// Changes whenever a file does that tables and curves are made from: names, sizes and times of the
/// runs' files, of journals and plans.
std::string signature_of(const std::vector<std::filesystem::path>& folders);

class LivePage {
 public:
  /// Makes the first page; throws as read_tables() does. Later pages that cannot be made (a folder
  /// that is being moved) leave the last one standing.
  explicit LivePage(std::vector<std::filesystem::path> folders);
  ~LivePage();
  LivePage(const LivePage&) = delete;
  LivePage& operator=(const LivePage&) = delete;

  /// "/": the page, with the etag of what it shows. Null for anything else.
  std::shared_ptr<const Answer> find(const std::string& path);

  /// Asks the background to end; false when it is still at work on a page after `patience_s`.
  bool end(double patience_s);

 private:
  void refresh();
  std::shared_ptr<const Answer> make(const std::string& signature) const;

  const std::vector<std::filesystem::path> folders_;
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Answer> page_;  // under mutex_, as all below
  double asked_at_ = -1e9;
  bool ending_ = false, ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace hadal::launcher::serve
