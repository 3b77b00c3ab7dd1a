// A small HTTP server that shows one page to people: GET and HEAD of a handful of addresses, each
// answered from memory. No path of a URL ever becomes that of a file.
//
// What comes from outside is bounded: a request's head to 8 KiB, its body to nothing, the time it
// may take, and the connections at a time. A client that is slow or silent costs a socket until its
// time is over and holds up nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace hadal::launcher::serve {

struct Answer {
  std::string type = {};  // "text/html; charset=utf-8"
  std::string body = {};
  std::string etag = {};            // with its quotes; "": none
  std::string content_policy = {};  // Content-Security-Policy; "": only default-src 'none'
};

/// What stands at `path` ("/", "/state"; without what follows a '?'), or null: 404. Called by the
/// thread in run() and expected to be quick.
using Pages = std::function<std::shared_ptr<const Answer>(const std::string& path)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free
  /// What every path begins with, "/" before it; "": none.
  std::string token = {};
  double request_s = 10;  // until a request's head is there
  double idle_s = 60;     // between two requests of a connection
  double answer_s = 30;   // until an answer is taken
  int connections = 256;  // at a time; what is above is closed
};

class HttpServer {
 public:
  /// Listens. Throws UsageError for an address that is none, IoError where the port is taken (with
  /// the way out) or may not be used.
  HttpServer(const ServerOptions& options, Pages pages);
  ~HttpServer();

  std::uint16_t port() const;
  /// "http://127.0.0.1:8090/", the token included.
  std::string url() const;

  /// Serves until stop() or one of SIGINT, SIGTERM, SIGHUP.
  void run();
  /// From any thread; run() returns at once and connections are closed.
  void stop();

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

/// 32 hexadecimal digits nobody can guess.
std::string random_token();

/// True for an address that only programs of this machine can reach.
bool is_loopback(const std::string& address);

}  // namespace hadal::launcher::serve
