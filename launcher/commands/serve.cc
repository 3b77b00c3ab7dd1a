// hadal serve: the report of a folder over HTTP, made anew as its runs go on.
#include <cstdlib>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "launcher/command.h"
#include "launcher/serve/http_server.h"
#include "launcher/serve/live_page.h"

namespace hadal::launcher {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8090;
};

int serve_report(const Options& options) {
  serve::ServerOptions server_options{.address = options.address, .port = options.port};
  const bool loopback = serve::is_loopback(options.address);
  if (!loopback) server_options.token = serve::random_token();
  serve::LivePage page({options.folders.begin(), options.folders.end()});
  serve::HttpServer server(server_options,
                           [&](const std::string& path) { return page.find(path); });
  std::cout << fmt::format("serving {} at {}\n", fmt::join(options.folders, ", "), server.url());
  if (!loopback)
    std::cout << "whoever has this address can read the page; it is not encrypted on its way\n";
  std::cout << "Ctrl-C ends it\n" << std::flush;
  server.run();
  // Nothing is written here, so nothing is lost when a page in the making is not waited for.
  if (!page.end(0.2)) std::_Exit(0);
  return 0;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("FOLDER", options->folders, "sweeps, runs, or folders that hold them").required();
  app.add_option("--port", options->port, "where it listens; 0: any port that is free")
      .show_default();
  app.add_option(
         "--address", options->address,
         "interface it listens on; one that others reach, as 0.0.0.0, makes an address with "
         "a random token")
      .show_default();
  return [options] { return serve_report(*options); };
}

}  // namespace

Command serve_command() {
  return {"serve", "show the report of a folder in browsers while its runs go on",
          "hadal serve runs/table1 --port 8090", declare};
}

}  // namespace hadal::launcher
