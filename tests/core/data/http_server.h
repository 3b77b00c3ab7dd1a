// A web server on the loopback address for tests of downloads. It serves one folder-less map of
// files, understands range requests, and can be told to misbehave.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hadal::data {

class HttpServer {
 public:
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string address() const;  // "http://127.0.0.1:PORT"

  /// "/name" -> contents; set before the first request.
  std::map<std::string, std::string> files;
  /// Bodies of the next answers are cut after so many bytes, one entry per answer; then none.
  std::vector<std::size_t> cuts;
  bool understands_ranges = true;

  struct Request {
    std::string path, range;  // range "" : none
  };
  std::vector<Request> requests() const;

 private:
  struct Sockets;
  void serve();

  std::unique_ptr<Sockets> sockets_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace hadal::data
