// The server of a page as strangers meet it: over real sockets, with whatever bytes they like.
#include "launcher/serve/http_server.h"

#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"

namespace hadal::launcher::serve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// What the server no longer reads is lost, and that is no failure of the client's.
  void send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }

  /// Until the server closes, or for so long.
  std::string read_all(int patience_ms = 30000) {
    std::string all;
    char some[4096];
    for (pollfd input{socket_, POLLIN, 0}; ::poll(&input, 1, patience_ms) > 0;) {
      const ssize_t n = ::recv(socket_, some, sizeof some, 0);
      if (n <= 0) return all;
      all.append(some, static_cast<std::size_t>(n));
    }
    ADD_FAILURE() << "the server keeps the connection open";
    return all;
  }

 private:
  int socket_;
};

class HttpServerTest : public testing::Test {
 protected:
  void serve(ServerOptions options) {
    server_ = std::make_unique<HttpServer>(options, [](const std::string& path) {
      return path == "/" ? std::make_shared<const Answer>(Answer{.type = "text/html",
                                                                 .body = "<p>the page",
                                                                 .etag = "\"1\"",
                                                                 .content_policy = "a-policy"})
                         : nullptr;
    });
    thread_ = std::thread([this] { server_->run(); });
  }
  void SetUp() override { serve({.request_s = 0.5, .idle_s = 0.5}); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }
  void TearDown() override { stop(); }

  std::string ask(const std::string& request) {
    Client client(server_->port());
    client.send(request);
    return client.read_all();
  }
  std::string get(const std::string& target, const std::string& more = "") {
    return ask("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more +
               "\r\n");
  }

  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, GivesThePageWithItsPolicy) {
  EXPECT_THAT(get("/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\n<p>the page"),
                              HasSubstr("Content-Security-Policy: a-policy"), HasSubstr("nosniff"),
                              HasSubstr("ETag: \"1\"")));
  EXPECT_THAT(get("/?a=b"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, SaysThatNothingIsNew) {
  const std::string answer = get("/", "If-None-Match: \"1\"\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 304"), Not(HasSubstr("the page"))));
  EXPECT_THAT(get("/", "If-None-Match: \"2\"\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const std::string answer = ask("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 11"),
                            Not(HasSubstr("the page"))));
}

TEST_F(HttpServerTest, OnlyReads) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"})
    EXPECT_THAT(
        ask(std::string(method) + " / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD")))
        << method;
}

TEST_F(HttpServerTest, NoPathIsThatOfAFile) {
  for (const char* target :
       {"/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./",
        "/etc/passwd", "/report.html", "http://localhost/", "*"})
    EXPECT_THAT(get(target), AllOf(StartsWith("HTTP/1.1 404"), Not(HasSubstr("root:")))) << target;
}

TEST_F(HttpServerTest, WhatIsNoRequestIsRefusedAndNothingMore) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8) + std::string(100, 'x') + "\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"), std::string(64, '\0')})
    EXPECT_THAT(ask(bytes), testing::AnyOf(StartsWith("HTTP/1.1 400"), std::string())) << bytes;
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, HeadsAndBodiesAreBounded) {
  EXPECT_THAT(get("/", "X: " + std::string(100000, 'x') + "\r\n"),
              testing::AnyOf(StartsWith("HTTP/1.1 431"), std::string()));
  EXPECT_THAT(get("/" + std::string(100000, 'x')),
              testing::AnyOf(StartsWith("HTTP/1.1 431"), std::string()));
  EXPECT_THAT(get("/", "Content-Length: 1000000\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, OtherSitesThatPointHereAreRefused) {
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 403"), Not(HasSubstr("the page"))));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, SlowAndSilentClientsHoldUpNobodyAndAreLetGo) {
  Client silent(server_->port()), slow(server_->port());
  slow.send("GET / HT");
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(slow.read_all(), "");
}

TEST_F(HttpServerTest, AConnectionServesSeveralRequests) {
  Client client(server_->port());
  client.send(
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_all(), AllOf(HasSubstr("200 OK"), HasSubstr("404 Not Found")));
}

TEST_F(HttpServerTest, ManyClientsAtOnceAreServed) {
  stop();
  serve({.connections = 64});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(std::make_unique<Client>(server_->port()));
  for (auto& client : clients)
    client->send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  for (auto& client : clients) EXPECT_THAT(client->read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ConnectionsAboveTheBoundAreClosed) {
  stop();
  serve({.idle_s = 30, .connections = 1});
  Client first(server_->port());
  first.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  Client second(server_->port());
  EXPECT_EQ(second.read_all(), "");
}

TEST_F(HttpServerTest, ATokenIsNeededWhereThereIsOne) {
  stop();
  serve({.token = "0123456789abcdef"});
  EXPECT_THAT(get("/0123456789abcdef/"), StartsWith("HTTP/1.1 200"));
  for (const char* target : {"/", "/0123456789abcdee/", "/0123456789abcde", "0123456789abcdef/"})
    EXPECT_THAT(get(target), Not(HasSubstr("the page"))) << target;
  EXPECT_THAT(server_->url(), testing::EndsWith("/0123456789abcdef/"));
}

TEST_F(HttpServerTest, APortThatIsTakenIsSaidWithTheWayOut) {
  try {
    HttpServer second({.port = server_->port()}, {});
    FAIL() << "listens at a port that is taken";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("is taken"), HasSubstr("--port")));
  }
  EXPECT_THROW(HttpServer({.address = "reef"}, {}), UsageError);
}

TEST(Serve, TokensAreLongAndNeverTheSame) {
  EXPECT_EQ(random_token().size(), 32u);
  EXPECT_NE(random_token(), random_token());
  EXPECT_TRUE(is_loopback("127.0.0.1") && is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
}

}  // namespace
}  // namespace hadal::launcher::serve
