#include "tests/launcher/real_slurm.h"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"
#include "launcher/environment.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr const char* kMark = "HADAL_TEST_SLURM";
constexpr double kPatience_s = 60;

// One that nobody listens on at this moment.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(socket);
  if (!bound) throw IoError(ExitCode::kIo, "no free port");
  return ntohs(address.sin_port);
}

std::string program(const std::string& name) {
  for (const char* folder : {"/usr/sbin", "/usr/bin"})
    if (fs::exists(fs::path(folder) / name)) return fs::path(folder) / name;
  return "";
}

}  // namespace

std::string RealSlurm::missing() {
  for (const char* name : {"slurmctld", "slurmd", "sbatch"})
    if (program(name).empty()) return fmt::format("{} is not installed (slurm-wlm)", name);
  if (program("munged").empty()) return "munged is not installed (munge)";
  return ::geteuid() == 0 ? "" : "slurmd wants root";
}

RealSlurm::RealSlurm(int nodes) : RealSlurm(nullptr, nodes) {}

RealSlurm::RealSlurm(const RealHosts& hosts, int nodes) : RealSlurm(&hosts, nodes) {}

RealSlurm::RealSlurm(const RealHosts* hosts, int nodes) : hosts_(hosts), nodes_(nodes) {
  fs::permissions(folder_.path(), fs::perms(0755));
  configure();
  ::setenv("SLURM_CONF", (folder_.path() / "slurm.conf").c_str(), 1);
  start("munged", {"--foreground", "--force", "--key-file=" + (folder() / "munge" / "key").string(),
                   "--socket=" + (folder() / "run" / "munge.sock").string(),
                   "--pid-file=" + (folder() / "munge" / "pid").string(),
                   "--log-file=" + (folder() / "munge" / "log").string(),
                   "--seed-file=" + (folder() / "munge" / "seed").string()});
  for (const double end = clock_.now_s() + kPatience_s;
       clock_.now_s() < end && !fs::exists(folder() / "run" / "munge.sock");)
    clock_.sleep(0.02);
  start_controller();
  start_nodes();
  wait_until_ready();
}

RealSlurm::~RealSlurm() {
  if (tools_.call({"scancel", "--me", "--signal=KILL", "--full"}, {}, 5).ok())
    tools_.call({"scancel", "--me"}, {}, 5);
  for (const auto& [name, pid] : running_) processes_.send_signal(pid, SIGKILL);
  for (const auto& [name, pid] : running_)
    while (!processes_.try_wait(pid)) clock_.sleep(0.01);
  // Supervisors of steps, which wait for a controller for minutes.
  for (const int pid : processes_.find_marked(kMark, folder().string()))
    processes_.send_signal(pid, SIGKILL);
  ::unsetenv("SLURM_CONF");
}

std::string RealSlurm::node_name(int node) const {
  return hosts_ == nullptr ? fmt::format("c{}", node) : hosts_->name(node + 1);
}

void RealSlurm::configure() {
  for (const char* name : {"munge", "run", "state", "log", "spool"})
    fs::create_directories(folder() / name);
  fs::permissions(folder() / "munge", fs::perms::owner_all);
  std::ofstream(folder() / "munge" / "key") << std::string(1024, 'k');
  fs::permissions(folder() / "munge" / "key", fs::perms::owner_read);
  const std::string user = tools_.call({"id", "-un"}).out, host = host_name();
  std::ofstream conf(folder() / "slurm.conf");
  // cred_expire: else a job that was put back into the queue waits for two minutes; below 5 it
  // counts for nothing.
  conf << fmt::format(R"(ClusterName=test
SlurmctldHost={host}({address})
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/run/munge.sock,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
KillWait=3
MinJobAge=300
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout={patience}
InactiveLimit=0
SlurmdParameters=config_overrides
MailProg=/bin/true
)",
                      fmt::arg("host", host), fmt::arg("port", free_port()),
                      fmt::arg("address", hosts_ == nullptr ? "127.0.0.1" : RealHosts::address(0)),
                      fmt::arg("patience", hosts_ == nullptr ? 30 : 10),
                      fmt::arg("user", std::string(trim(user))),
                      fmt::arg("folder", folder().string()));
  write_nodes(conf);
  conf << "PartitionName=low Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE "
          "GraceTime=4\nPartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF\n";
}

void RealSlurm::write_nodes(std::ostream& conf) const {
  for (int node = 0; node < nodes_; ++node)
    conf << fmt::format(
        "NodeName={} NodeHostname={} NodeAddr={} Port={} CPUs=2 CoresPerSocket=2 RealMemory=1000 "
        "State=UNKNOWN\n",
        node_name(node), hosts_ == nullptr ? host_name() : node_name(node),
        hosts_ == nullptr ? "127.0.0.1" : RealHosts::address(node + 1), free_port());
}

int RealSlurm::start(const std::string& name, const std::vector<std::string>& arguments, int host) {
  ProcessSpec process;
  process.arguments = {program(name.substr(0, name.find(' ')))};
  process.arguments.insert(process.arguments.end(), arguments.begin(), arguments.end());
  if (host > 0) process.arguments = hosts_->on(host, process.arguments);
  process.environment = {{kMark, folder().string()}};
  process.log = folder() / "log" / (name + ".out");
  process.signal_when_orphaned = SIGKILL;
  return running_[name] = processes_.start(process);
}

void RealSlurm::start_controller() {
  start("slurmctld", {"-D", "-i", "-f", (folder() / "slurm.conf").string()});
}

void RealSlurm::start_nodes() {
  for (int node = 0; node < nodes_; ++node) {
    const std::string name = node_name(node);
    fs::create_directories(folder() / "spool" / name);
    start("slurmd " + name, {"-D", "-f", (folder() / "slurm.conf").string(), "-N", name},
          hosts_ == nullptr ? 0 : node + 1);
  }
}

void RealSlurm::stop(const std::string& name, int signal) {
  const int pid = running_.at(name);
  processes_.send_signal(pid, signal);
  while (!processes_.try_wait(pid)) clock_.sleep(0.01);
  running_.erase(name);
}

void RealSlurm::restart_nodes() {
  for (int node = 0; node < nodes_; ++node) stop("slurmd " + node_name(node), SIGKILL);
  start_nodes();
}

void RealSlurm::crash_controller() {
  stop("slurmctld", SIGKILL);
  start_controller();
  wait_until_ready();
}

void RealSlurm::wait_until_ready() {
  ToolOutput nodes;
  for (const double end = clock_.now_s() + kPatience_s; clock_.now_s() < end; clock_.sleep(0.1)) {
    nodes = tools_.call({"sinfo", "--noheader", "--partition=low", "--format=%T %D"}, {}, 10);
    int ready = 0;
    for (const std::string& line : split(trim(nodes.out), '\n'))
      if (line.starts_with("idle ") || line.starts_with("mixed ") || line.starts_with("allocated "))
        ready += static_cast<int>(parse_int(line.substr(line.find(' ') + 1), "nodes"));
    if (ready == nodes_) return;
  }
  throw IoError(ExitCode::kIo, fmt::format("Slurm did not come up: {} {}", nodes.out, nodes.err));
}

std::string RealSlurm::ask(const std::vector<std::string>& arguments) {
  const ToolOutput answer = tools_.call(arguments);
  EXPECT_TRUE(answer.ok()) << join(arguments, " ") << ": " << answer.err;
  return std::string(trim(answer.out));
}

}  // namespace hadal::launcher
