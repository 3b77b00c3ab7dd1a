#include "launcher/serve/http_server.h"

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/random.h>

#include "core/base/error.h"

namespace hadal::launcher::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHead = 8192;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<long long>(1000 * seconds));
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

/// "127.0.0.1" of "127.0.0.1:8090", "[::1]" of "[::1]:8090".
std::string_view host_of(std::string_view field) {
  const std::size_t bracket = field.rfind(']'), colon = field.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? field.substr(0, colon) : field;
}

/// A page of another site that had its name point here would have its name as the host.
bool is_own_host(std::string_view field) {
  const std::string_view host = host_of(field);
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

// Takes as long for a wrong token as for the right one.
bool same(std::string_view a, std::string_view b) {
  unsigned char different = a.size() != b.size();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

/// From a request to its answer; knows nothing of sockets.
class Responder {
 public:
  Responder(std::string token, bool loopback, Pages pages)
      : token_(std::move(token)), loopback_(loopback), pages_(std::move(pages)) {}

  Response answer(const Request& request) const {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      Response response =
          plain(request, http::status::method_not_allowed, "only GET and HEAD are answered here\n");
      response.set(http::field::allow, "GET, HEAD");
      return response;
    }
    if (loopback_ && !is_own_host(view(request[http::field::host])))
      return plain(request, http::status::forbidden, "this page is for its own machine\n");
    const std::optional<std::string> path = path_of(view(request.target()));
    const std::shared_ptr<const Answer> page = path ? pages_(*path) : nullptr;
    if (!page) return plain(request, http::status::not_found, "nothing here\n");
    return found(request, *page);
  }

  static Response plain(const Request& request, http::status status, const std::string& text) {
    Response response = with_usual_fields(request, status);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.set("Content-Security-Policy", "default-src 'none'");
    fill(response, request, text);
    return response;
  }

 private:
  static Response with_usual_fields(const Request& request, http::status status) {
    Response response(status, request.version());
    response.keep_alive(request.keep_alive());
    response.set("X-Content-Type-Options", "nosniff");
    response.set("X-Frame-Options", "DENY");
    response.set("Referrer-Policy", "no-referrer");  // the token is part of the address
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    response.set(http::field::cache_control, "no-cache");
    return response;
  }

  static void fill(Response& response, const Request& request, const std::string& body) {
    response.content_length(body.size());
    if (request.method() != http::verb::head) response.body() = body;
  }

  Response found(const Request& request, const Answer& page) const {
    const bool known = !page.etag.empty() && view(request[http::field::if_none_match]) == page.etag;
    Response response =
        with_usual_fields(request, known ? http::status::not_modified : http::status::ok);
    if (!page.etag.empty()) response.set(http::field::etag, page.etag);
    if (known) return response;
    response.set(http::field::content_type, page.type);
    response.set("Content-Security-Policy",
                 page.content_policy.empty() ? "default-src 'none'" : page.content_policy);
    fill(response, request, page.body);
    return response;
  }

  /// Without the token and what follows a '?'; none where the token is not right.
  std::optional<std::string> path_of(std::string_view target) const {
    target = target.substr(0, target.find('?'));
    if (token_.empty()) return std::string(target);
    if (target.size() < token_.size() + 1 || target[0] != '/' ||
        !same(target.substr(1, token_.size()), token_))
      return std::nullopt;
    return std::string(target.substr(token_.size() + 1));
  }

  std::string token_;
  bool loopback_;
  Pages pages_;
};

/// One client. Lives as long as one of its handlers waits.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const ServerOptions& options, const Responder& responder, int& open)
      : stream_(std::move(socket)), options_(options), responder_(responder), open_(open) {
    ++open_;
  }
  ~Session() { --open_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() { read(options_.request_s); }

 private:
  // The time is that of the whole head: one byte now and then does not stretch it.
  void read(double patience_s) {
    parser_.emplace();
    parser_->header_limit(kMaxHead);
    parser_->body_limit(0);
    stream_.expires_after(milliseconds(patience_s));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(error_code error) {
    if (!error) return write(responder_.answer(parser_->get()));
    if (error == http::error::end_of_stream || error == beast::error::timeout ||
        error == asio::error::operation_aborted || error == http::error::partial_message)
      return close();
    // Whatever else is no request: said once, and no more is read from there.
    const http::status status =
        error == http::error::header_limit || error == http::error::buffer_overflow
            ? http::status::request_header_fields_too_large
        : error == http::error::body_limit ? http::status::payload_too_large
                                           : http::status::bad_request;
    Response response =
        Responder::plain(Request(http::verb::get, "/", 11), status, error.message() + "\n");
    response.keep_alive(false);
    write(std::move(response));
  }

  void write(Response response) {
    response_ = std::move(response);
    stream_.expires_after(milliseconds(options_.answer_s));
    http::async_write(stream_, response_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error || !self->response_.keep_alive()) return self->close();
                        self->read(self->options_.idle_s);
                      });
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{2 * kMaxHead};
  std::optional<http::request_parser<http::string_body>> parser_;
  Response response_;
  const ServerOptions& options_;
  const Responder& responder_;
  int& open_;
};

asio::ip::address parse_address(const std::string& text) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(text, error);
  if (error)
    throw UsageError(fmt::format(
        "--address {}: wanted the number of an interface, as in 127.0.0.1 or 0.0.0.0", text));
  return address;
}

[[noreturn]] void throw_cannot_listen(const error_code& error, const ServerOptions& options) {
  const std::string where = fmt::format("port {} of {}", options.port, options.address);
  if (error == asio::error::address_in_use)
    throw IoError(ExitCode::kIo,
                  where + " is taken; choose another with --port, or --port 0 for any free one");
  throw IoError(error == asio::error::access_denied ? ExitCode::kPermission : ExitCode::kIo,
                fmt::format("cannot listen at {}: {}", where, error.message()));
}

}  // namespace

class HttpServer::Listener {
 public:
  Listener(const ServerOptions& options, Pages pages)
      : options_(options),
        address_(parse_address(options.address)),
        responder_(options.token, address_.is_loopback(), std::move(pages)) {
    error_code error;
    const tcp::endpoint endpoint(address_, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) throw_cannot_listen(error, options_);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  const ServerOptions& options() const { return options_; }
  const asio::ip::address& address() const { return address_; }

  void run() {
    asio::signal_set signals(context_, SIGINT, SIGTERM, SIGHUP);
    signals.async_wait([this](error_code error, int) {
      if (!error) context_.stop();
    });
    accept();
    context_.run();
  }

  void stop() { context_.stop(); }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error) {
        // Out of descriptors, or a client that was gone at once: neither is a reason to end.
        retry_.expires_after(std::chrono::milliseconds(100));
        retry_.async_wait([this](error_code stopped) {
          if (!stopped) accept();
        });
        return;
      }
      if (open_ < options_.connections)
        std::make_shared<Session>(std::move(socket), options_, responder_, open_)->start();
      accept();
    });
  }

  ServerOptions options_;
  asio::ip::address address_;
  Responder responder_;
  int open_ = 0;  // outlives the sessions, which go with the context
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer retry_{context_};
};

HttpServer::HttpServer(const ServerOptions& options, Pages pages)
    : listener_(std::make_unique<Listener>(options, std::move(pages))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return listener_->port(); }

std::string HttpServer::url() const {
  const ServerOptions& options = listener_->options();
  const asio::ip::address& address = listener_->address();
  const std::string host = address.is_unspecified() ? asio::ip::host_name()
                           : address.is_v6()        ? "[" + address.to_string() + "]"
                                                    : address.to_string();
  return fmt::format("http://{}:{}/{}{}", host, port(), options.token,
                     options.token.empty() ? "" : "/");
}

void HttpServer::run() { listener_->run(); }

void HttpServer::stop() { listener_->stop(); }

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  HADAL_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

bool is_loopback(const std::string& address) { return parse_address(address).is_loopback(); }

}  // namespace hadal::launcher::serve
