#include "tests/core/data/http_server.h"

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace hadal::data {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

struct HttpServer::Sockets {
  asio::io_context context;
  Tcp::acceptor acceptor{context, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

HttpServer::HttpServer() : sockets_(std::make_unique<Sockets>()) {
  port_ = sockets_->acceptor.local_endpoint().port();
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  // A connection of our own wakes the accept.
  boost::system::error_code ignored;
  Tcp::socket waker(sockets_->context);
  waker.connect(Tcp::endpoint(asio::ip::address_v4::loopback(), port_), ignored);
  thread_.join();
}

std::string HttpServer::address() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::vector<HttpServer::Request> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stopping_) {
    boost::system::error_code failed;
    Tcp::socket socket(sockets_->context);
    sockets_->acceptor.accept(socket, failed);
    if (failed || stopping_) continue;
    boost::beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::read(socket, buffer, request, failed);
    if (failed) continue;
    const std::string path(request.target());
    const std::string range(request[http::field::range]);
    std::size_t cut = std::string::npos;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({path, range});
      if (!cuts.empty()) {
        cut = cuts.front();
        cuts.erase(cuts.begin());
      }
    }
    const auto file = files.find(path);
    std::string head, body;
    if (file == files.end()) {
      head = "HTTP/1.1 404 Not Found\r\n";
      body = "no such file";
    } else if (understands_ranges && range.starts_with("bytes=")) {
      const std::size_t start = std::stoul(range.substr(6));
      if (start >= file->second.size()) {
        head = "HTTP/1.1 416 Range Not Satisfiable\r\n";
      } else {
        head = fmt::format("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {}-{}/{}\r\n",
                           start, file->second.size() - 1, file->second.size());
        body = file->second.substr(start);
      }
    } else {
      head = "HTTP/1.1 200 OK\r\n";
      body = file->second;
    }
    head += fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", body.size());
    asio::write(socket, asio::buffer(head), failed);
    asio::write(socket, asio::buffer(body.data(), std::min(cut, body.size())), failed);
    socket.shutdown(Tcp::socket::shutdown_both, failed);
  }
}

}  // namespace hadal::data
