// hadal doctor: is this machine, or this group of machines under mpirun, fit to train on?
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/data/registry.h"
#include "core/data/verify.h"
#include "dist/link_probe.h"
#include "dist/world.h"
#include "launcher/command.h"
#include "launcher/doctor/findings.h"
#include "launcher/doctor/host_facts.h"

namespace hadal::launcher {
namespace {

constexpr int kFit = 0, kUnfit = 1;

struct Options {
  std::string folder = ".";
  int disk_mebibytes = 64;
  std::vector<std::string> data;
  std::string data_dir;
};

std::vector<doctor::HostFacts> gather_facts(dist::Communicator& comm) {
  // One after the other on a machine, so that its ranks do not slow each other.
  std::string own;
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (rank == comm.rank()) own = to_json(doctor::host_facts());
    comm.barrier();
  }
  std::vector<doctor::HostFacts> facts;
  for (const std::string& text : comm.all_gather(std::string_view(own)))
    facts.push_back(doctor::host_facts_from_json(text));
  return facts;
}

bool is_first_of_host(dist::Communicator& comm, const std::vector<doctor::HostFacts>& facts) {
  const std::string& host = facts[static_cast<std::size_t>(comm.rank())].host;
  for (int rank = 0; rank < comm.rank(); ++rank)
    if (facts[static_cast<std::size_t>(rank)].host == host) return false;
  return true;
}

std::vector<doctor::DiskReport> gather_disks(dist::Communicator& comm, const Options& options,
                                             bool is_first) {
  nlohmann::json own;
  try {
    const doctor::DiskReport report =
        is_first ? doctor::probe_disk(options.folder, std::int64_t{options.disk_mebibytes} << 20)
                 : doctor::DiskReport{};
    own = {{"path", report.path},
           {"file_system", report.file_system},
           {"free", report.free_bytes},
           {"write", report.write_bytes_per_s},
           {"read", report.read_bytes_per_s}};
  } catch (const Error& error) {
    own = {{"error", error.what()}};
  }
  std::vector<doctor::DiskReport> disks;
  for (const std::string& text : comm.all_gather(std::string_view(own.dump()))) {
    const nlohmann::json each = nlohmann::json::parse(text);
    if (each.contains("error"))
      throw IoError(ExitCode::kCannotWrite, each["error"].get<std::string>());
    disks.push_back({each["path"], each["file_system"], each["free"], each["write"], each["read"]});
  }
  return disks;
}

/// "" when all files of the set are the official ones here.
std::string trouble_with(const std::string& name, const std::string& data_dir) {
  try {
    const data::DatasetInfo& info = data::find_dataset(name);
    const data::LoadOptions load{.data_dir = data_dir, .values = {}};
    const auto folder = data::locate(info, load);
    const auto needed = info.needed_files ? info.needed_files(data::resolved_options(info, {}))
                                          : std::vector<std::string>{};
    for (const data::FileReport& report : data::verify_files(info, folder))
      if (std::find(needed.begin(), needed.end(), report.path) != needed.end() && !report.is_good())
        return fmt::format("data set {}: {}: {}", name, report.path, report.detail);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<doctor::Finding> check_data(dist::Communicator& comm, const Options& options,
                                        const std::vector<doctor::HostFacts>& facts,
                                        bool is_first) {
  std::vector<doctor::Finding> bad;
  for (const std::string& name : options.data) {
    const auto troubles = comm.all_gather(
        std::string_view(is_first ? trouble_with(name, options.data_dir) : std::string()));
    for (std::size_t rank = 0; rank < troubles.size(); ++rank)
      if (!troubles[rank].empty())
        bad.push_back(
            {doctor::Level::kBad, fmt::format("{}: {}", facts[rank].host, troubles[rank])});
  }
  return bad;
}

void print_host(const doctor::HostFacts& facts, const doctor::DiskReport& disk) {
  std::cout << facts.host << "\n";
  for (const auto& [key, value] : facts.environment)
    std::cout << fmt::format("  {:<14} {}\n", key, value);
  std::cout << fmt::format("  {:<14} {}\n", "interfaces", join(facts.interfaces, ", "));
  std::cout << fmt::format("  {:<14} {} free\n", "/dev/shm",
                           format_bytes(static_cast<double>(facts.shared_memory_bytes)));
  std::cout << fmt::format(
      "  {:<14} {} ({}): {} free, writes {}/s, reads {}/s\n", "disk", disk.path, disk.file_system,
      format_bytes(static_cast<double>(disk.free_bytes)), format_bytes(disk.write_bytes_per_s),
      format_bytes(disk.read_bytes_per_s));
  std::cout << fmt::format("  {:<14} {:.1f} billion multiply-adds a second, one core, plain loop\n",
                           "speed", facts.multiply_adds_per_s / 1e9);
  for (const std::string& name : facts.direct_libraries)
    if (const auto at = facts.libraries.find(name); at != facts.libraries.end())
      std::cout << fmt::format("  {:<14} {}\n", name, at->second);
}

void print_links(const std::vector<dist::LinkReport>& links,
                 const std::vector<doctor::HostFacts>& facts) {
  const auto host = [&](int rank) { return facts[static_cast<std::size_t>(rank)].host; };
  for (const dist::LinkReport& link : links)
    std::cout << fmt::format(
        "ranks {} ({}) and {} ({}): {:.1f} us, {}/s, clocks {:+.6f} s ± {:.6f}\n", link.a,
        host(link.a), link.b, host(link.b), 1e6 * link.latency_s, format_bytes(link.bytes_per_s),
        link.clock_offset_s, link.clock_error_s);
}

int examine(const Options& options) {
  dist::World world;
  dist::Communicator& comm = world.communicator();
  const auto facts = gather_facts(comm);
  const bool is_first = is_first_of_host(comm, facts);
  const auto disks = gather_disks(comm, options, is_first);
  const auto links = dist::probe_links(comm);
  auto found = doctor::findings(facts, disks, links);
  for (doctor::Finding& each : check_data(comm, options, facts, is_first))
    found.push_back(std::move(each));
  const bool fit = std::none_of(found.begin(), found.end(), [](const doctor::Finding& each) {
    return each.level == doctor::Level::kBad;
  });
  if (comm.rank() == 0) {
    for (std::size_t rank = 0; rank < facts.size(); ++rank)
      if (!disks[rank].path.empty()) print_host(facts[rank], disks[rank]);
    print_links(links, facts);
    for (const std::string& name : options.data)
      std::cout << fmt::format("data set {}: checked on every host\n", name);
    for (const doctor::Finding& each : found)
      std::cout << (each.level == doctor::Level::kBad ? "BAD   " : "note  ") << each.text << "\n";
    std::cout << fmt::format("{} rank{}: {}\n", comm.size(), comm.size() == 1 ? "" : "s",
                             fit ? "fit to train" : "not fit to train, see BAD above");
  }
  world.finish();
  return fit ? kFit : kUnfit;
}

Action declare(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--folder", options->folder, "where runs will be written; its disk is measured")
      ->capture_default_str();
  app.add_option("--disk-mib", options->disk_mebibytes, "how much is written and read for that")
      ->capture_default_str()
      ->check(CLI::Range(4, 65536));
  app.add_option("--data", options->data, "a data set whose files are checked on every host");
  app.add_option("--data-dir", options->data_dir,
                 "where the data sets lie (else HADAL_DATA, else ./data)");
  return [options] { return examine(*options); };
}

}  // namespace

Command doctor_command() {
  return {"doctor",
          "examine the machines: libraries, links, clocks, disks, data; exit code 0 when fit",
          "mpirun -np 4 hadal doctor --data cifar10", declare};
}

}  // namespace hadal::launcher
