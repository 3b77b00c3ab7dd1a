// hadal doctor: is this machine, or this group of machines under mpirun, fit to train on?
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/strings.h"
#include "core/data/registry.h"
#include "core/data/verify.h"
#include "dist/link_probe.h"
#include "dist/world.h"
#include "launcher/command.h"
#include "launcher/device.h"
#include "launcher/doctor/devices.h"
#include "launcher/doctor/findings.h"
#include "launcher/doctor/host_facts.h"
#include "launcher/tools.h"

namespace hadal::launcher {
namespace {

constexpr int kFit = 0, kUnfit = 1;

struct Options {
  std::string folder = ".";
  int disk_mebibytes = 64;
  std::vector<std::string> data;
  std::string data_dir;
  bool json = false;
};

std::vector<doctor::HostFacts> gather_facts(dist::Communicator& comm) {
  // One after the other on a machine, so that its ranks do not slow each other.
  SystemTools tools;
  std::string own;
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (rank == comm.rank()) own = to_json(doctor::host_facts(tools));
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

/// Of the folder on this rank's host; an error travels as one.
nlohmann::json own_disk(dist::Communicator& comm, const Options& options, bool is_first) {
  std::optional<doctor::SharedFolder> shared;
  nlohmann::json own;
  try {
    shared.emplace(options.folder, comm.rank() == 0);
    comm.barrier();
    doctor::DiskReport report;
    if (is_first) {
      report = doctor::probe_disk(options.folder, std::int64_t{options.disk_mebibytes} << 20);
      report.is_shared = shared->is_seen();
    }
    own = to_json(report);
  } catch (const Error& error) {
    if (!shared) comm.barrier();
    own = {{"error", error.what()}};
  }
  comm.barrier();  // the first rank's file stays until all have looked
  return own;
}

std::vector<doctor::DiskReport> gather_disks(dist::Communicator& comm, const Options& options,
                                             bool is_first) {
  const std::string own = own_disk(comm, options, is_first).dump();
  std::vector<doctor::DiskReport> disks;
  for (const std::string& text : comm.all_gather(std::string_view(own))) {
    const nlohmann::json each = parse_json(text, "report on a disk");
    if (each.contains("error"))
      throw IoError(ExitCode::kCannotWrite, each["error"].get<std::string>());
    disks.push_back(doctor::disk_report_from_json(each));
  }
  return disks;
}

/// What a host says of a data set.
struct DataReport {
  std::string set = {}, host = {}, folder = {};
  int files = 0;             // looked at
  std::string trouble = {};  // "" when all files are the official ones
};

DataReport look_at_data(const std::string& name, const std::string& data_dir) {
  DataReport report{.set = name};
  try {
    const data::DatasetInfo& info = data::find_dataset(name);
    const data::LoadOptions load{.data_dir = data_dir, .values = {}};
    const auto folder = data::locate(info, load);
    report.folder = folder.string();
    const auto needed = info.needed_files ? info.needed_files(data::resolved_options(info, {}))
                                          : std::vector<std::string>{};
    for (const data::FileReport& file : data::verify_files(info, folder)) {
      if (std::find(needed.begin(), needed.end(), file.path) == needed.end()) continue;
      ++report.files;
      if (!file.is_good() && report.trouble.empty())
        report.trouble = fmt::format("data set {}: {}: {}", name, file.path, file.detail);
    }
  } catch (const Error& error) {
    report.trouble = error.what();
  }
  return report;
}

/// One report per set and host.
std::vector<DataReport> check_data(dist::Communicator& comm, const Options& options,
                                   const std::vector<doctor::HostFacts>& facts, bool is_first) {
  std::vector<DataReport> reports;
  for (const std::string& name : options.data) {
    nlohmann::json own;
    if (is_first) {
      const DataReport report = look_at_data(name, options.data_dir);
      own = {{"folder", report.folder}, {"files", report.files}, {"trouble", report.trouble}};
    }
    const auto all = comm.all_gather(
        std::string_view(own.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      const nlohmann::json each = parse_json(all[rank], "report on a data set");
      if (!each.is_null())
        reports.push_back(
            {name, facts[rank].host, each.at("folder"), each.at("files"), each.at("trouble")});
    }
  }
  return reports;
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
  std::cout << fmt::format("  {:<14} {} may be used ({})\n", "memory limit",
                           format_bytes(static_cast<double>(facts.memory_bytes)), facts.memory_by);
  std::cout << fmt::format(
      "  {:<14} {}\n", "memory copies",
      facts.copies_between_processes ? "between processes allowed" : "between processes refused");
  if (facts.tcp_retries)
    std::cout << fmt::format("  {:<14} {}\n", "tcp_retries2", *facts.tcp_retries);
  if (const auto at = facts.slurm.find("SLURM_VERSION"); at != facts.slurm.end())
    std::cout << fmt::format("  {:<14} {}\n", "Slurm", at->second);
  for (const auto& [name, version] : facts.versions)
    std::cout << fmt::format("  {:<14} {}, built for {}\n", name, version.running, version.built);
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

/// All that was found, on every rank.
struct Examination {
  std::vector<doctor::HostFacts> facts;   // by rank
  std::vector<doctor::DiskReport> disks;  // by rank; without a path but on the first of a host
  std::vector<dist::LinkReport> links;
  doctor::Devices devices;
  std::vector<DataReport> data;
  std::vector<doctor::Finding> findings;
  bool is_fit() const {
    return std::none_of(findings.begin(), findings.end(), [](const doctor::Finding& each) {
      return each.level == doctor::Level::kBad;
    });
  }
};

Examination examine_all(dist::Communicator& comm, const Options& options) {
  Examination all;
  all.facts = gather_facts(comm);
  const bool is_first = is_first_of_host(comm, all.facts);
  all.disks = gather_disks(comm, options, is_first);
  all.links = dist::probe_links(comm);
  std::string device_note;
  const auto backend = open_device("auto", dist::local_rank(comm), device_note);
  all.devices = doctor::probe_devices(comm, *backend, device_note);
  all.data = check_data(comm, options, all.facts, is_first);
  all.findings = doctor::findings(all.facts, all.disks, all.links, all.devices);
  for (const DataReport& report : all.data)
    if (!report.trouble.empty())
      all.findings.push_back(
          {doctor::Level::kBad, fmt::format("{}: {}", report.host, report.trouble)});
  return all;
}

void print_devices(const doctor::Devices& devices, const std::vector<doctor::HostFacts>& facts) {
  for (std::size_t rank = 0; rank < facts.size(); ++rank)
    std::cout << fmt::format("rank {} ({}): device {}\n", rank, facts[rank].host,
                             devices.by_rank[rank].device);
  if (!devices.exchange.empty())
    std::cout << fmt::format("GPUs sum their gradients through {}\n", devices.exchange);
}

void print(const Examination& all) {
  for (std::size_t rank = 0; rank < all.facts.size(); ++rank)
    if (!all.disks[rank].path.empty()) print_host(all.facts[rank], all.disks[rank]);
  print_links(all.links, all.facts);
  print_devices(all.devices, all.facts);
  for (const DataReport& report : all.data)
    if (report.trouble.empty())
      std::cout << fmt::format("data set {} on {}: {} file{} in {}, as published\n", report.set,
                               report.host, report.files, report.files == 1 ? "" : "s",
                               report.folder);
  for (const doctor::Finding& each : all.findings)
    std::cout << (each.level == doctor::Level::kBad ? "BAD   " : "note  ") << each.text << "\n";
  std::cout << fmt::format("{} rank{}: {}\n", all.facts.size(), all.facts.size() == 1 ? "" : "s",
                           all.is_fit() ? "fit to train" : "not fit to train, see BAD above");
}

nlohmann::json to_json(const Examination& all) {
  using nlohmann::json;
  json hosts = json::array(), links = json::array(), data = json::array(), found = json::array();
  for (std::size_t rank = 0; rank < all.facts.size(); ++rank) {
    json host = parse_json(doctor::to_json(all.facts[rank]), "facts of a host");
    host["rank"] = rank;
    if (!all.disks[rank].path.empty()) host["disk"] = doctor::to_json(all.disks[rank]);
    hosts.push_back(std::move(host));
  }
  for (const dist::LinkReport& link : all.links)
    links.push_back({{"a", link.a},
                     {"b", link.b},
                     {"latency_s", link.latency_s},
                     {"bytes_per_s", link.bytes_per_s},
                     {"clock_offset_s", link.clock_offset_s},
                     {"clock_error_s", link.clock_error_s}});
  for (const DataReport& report : all.data)
    data.push_back({{"set", report.set},
                    {"host", report.host},
                    {"folder", report.folder},
                    {"files", report.files},
                    {"trouble", report.trouble}});
  for (const doctor::Finding& each : all.findings)
    found.push_back(
        {{"level", each.level == doctor::Level::kBad ? "bad" : "note"}, {"text", each.text}});
  return {{"fit", all.is_fit()}, {"ranks", hosts},
          {"links", links},      {"devices", doctor::to_json(all.devices)},
          {"data", data},        {"findings", found}};
}

int examine(const Options& options) {
  dist::World world;
  dist::Communicator& comm = world.communicator();
  const Examination all = examine_all(comm, options);
  if (comm.rank() == 0) {
    if (options.json)
      std::cout << to_json(all).dump(1, ' ', false, nlohmann::json::error_handler_t::replace)
                << "\n";
    else
      print(all);
  }
  world.finish();
  return all.is_fit() ? kFit : kUnfit;
}

Action declare(Arguments& app) {
  auto options = std::make_shared<Options>();
  app.add_option("--folder", options->folder, "where runs will be written; its disk is measured")
      .show_default();
  app.add_option("--disk-mib", options->disk_mebibytes, "how much is written and read for that")
      .show_default()
      .check(Check::between(4, 65536));
  app.add_option("--data", options->data, "a data set whose files are checked on every host");
  app.add_option("--data-dir", options->data_dir,
                 "where the data sets lie (else HADAL_DATA, else ./data)");
  app.add_flag("--json", options->json, "for programs");
  return [options] { return examine(*options); };
}

}  // namespace

Command doctor_command() {
  return {"doctor",
          "examine the machines: libraries, links, GPUs, clocks, disks, data; exit code 0 when fit",
          "mpirun -np 4 hadal doctor --data cifar10", declare};
}

}  // namespace hadal::launcher
