#include "tests/launcher/real_hosts.h"

#include <cerrno>
#include <csignal>
#include <fstream>

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/strings.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr double kPatience_s = 30;

// The shell does what has to happen inside the new namespaces, before it becomes sshd.
constexpr const char* kBecomeHost = R"(
set -e
hostname "$1"
mount -t tmpfs none /dev/shm
mount -t tmpfs none /run
mkdir /run/sshd
ip link set lo up
until ip -o addr show dev eth0 2>/dev/null | grep -q "inet "; do sleep 0.05; done
exec /usr/sbin/sshd -D -e -f "$2")";

}  // namespace

std::string RealHosts::missing() {
  if (::geteuid() != 0) return "network namespaces want root";
  for (const auto& [program, package] :
       {std::pair("/usr/sbin/sshd", "openssh-server"), std::pair("/usr/bin/ssh", "openssh-client"),
        std::pair("/usr/sbin/ip", "iproute2")})
    if (!fs::exists(program)) return fmt::format("{} is not installed ({})", program, package);
  return "";
}

std::string RealHosts::address(int host) { return fmt::format("10.77.0.{}", host + 1); }

RealHosts::RealHosts(int hosts, std::string cable) : cable_(std::move(cable)) {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) != 0 || ::sethostname("n0", 2) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    throw io_error("cannot make", "namespaces", errno);
  write_files(hosts);
  // What an object that could not be made has left.
  ::umount2("/etc/hosts", MNT_DETACH);
  if (::mount((folder_.path() / "hosts").c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0)
    throw io_error("cannot mount", "/etc/hosts", errno);
  call({"ip", "link", "set", "lo", "up"});
  call({"ip", "link", "add", "br0", "type", "bridge"});
  call({"ip", "addr", "add", address(0) + "/24", "dev", "br0"});
  call({"ip", "link", "set", "br0", "up"});
  for (int host = 1; host <= hosts; ++host) start_host(host);
}

RealHosts::~RealHosts() {
  for (const int pid : running_) processes_.send_signal(pid, SIGKILL);
  for (const int pid : running_)
    while (!processes_.try_wait(pid)) clock_.sleep(0.01);
  ::umount2("/etc/hosts", MNT_DETACH);
}

void RealHosts::call(const std::vector<std::string>& arguments) {
  const ToolOutput answer = tools_.call(arguments);
  if (!answer.ok())
    throw IoError(ExitCode::kIo, fmt::format("{}: {}", join(arguments, " "), answer.complaint()));
}

void RealHosts::write_files(int hosts) {
  const fs::path& folder = folder_.path();
  fs::permissions(folder, fs::perms(0755));
  for (const char* key : {"host_key", "user_key"})
    call({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key});
  fs::copy_file(folder / "user_key.pub", folder / "authorized_keys");
  std::ofstream names(folder / "hosts");
  names << "127.0.0.1 localhost\n";
  for (int host = 0; host <= hosts; ++host) names << address(host) << " " << name(host) << "\n";
  for (int host = 1; host <= hosts; ++host)
    std::ofstream(folder / ("sshd_" + name(host)))
        << fmt::format(R"(
ListenAddress {}:2222
HostKey {}/host_key
AuthorizedKeysFile {}/authorized_keys
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
)",
                       address(host), folder.string(), folder.string());
  std::ofstream(folder / "ssh_config") << fmt::format(R"(
Host *
  Port 2222
  User root
  IdentityFile {}/user_key
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
)",
                                                      folder.string());
}

void RealHosts::start_host(int host) {
  const fs::path& folder = folder_.path();
  const int keeper =
      processes_.start({.arguments = {"unshare", "--net", "--uts", "--mount", "--pid", "--fork",
                                      "--mount-proc", "--kill-child", "sh", "-c", kBecomeHost, "sh",
                                      name(host), folder / ("sshd_" + name(host))},
                        .log = folder / ("log_" + name(host)),
                        .signal_when_orphaned = SIGKILL});
  running_.push_back(keeper);
  keepers_.push_back(keeper);
  // The network namespace is that of unshare itself too.
  const std::string inside = fmt::format("/proc/{}/ns/net", keeper);
  const double end = clock_.now_s() + kPatience_s;
  const auto is_apart = [&] {
    std::error_code error;
    return fs::read_symlink(inside, error) != fs::read_symlink("/proc/self/ns/net") && !error;
  };
  while (!is_apart() && clock_.now_s() < end) clock_.sleep(0.01);
  lay_cable(host, inside);
  const auto there = [&](std::vector<std::string> command) {
    command.insert(command.begin(), {"nsenter", "--net=" + inside});
    call(command);
  };
  there({"ip", "addr", "add", address(host) + "/24", "dev", "eth0"});
  there({"ip", "link", "set", "eth0", "up"});
  while (
      !tools_.call({"ssh", "-F", ssh_config(), "-o", "ConnectTimeout=2", name(host), "true"}).ok())
    if (clock_.now_s() > end)
      throw IoError(ExitCode::kIo, fmt::format("sshd of {} does not come up: {}", name(host),
                                               read_file(folder / ("log_" + name(host)))));
}

// From eth0 in that network namespace to the bridge.
void RealHosts::lay_cable(int host, const std::string& network) {
  const std::string here = "v" + std::to_string(host);
  if (cable_.empty()) {
    call({"ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", network});
  } else {
    write_file_atomically(faults_of(host), to_text({}));
    running_.push_back(processes_.start(
        {.arguments = {cable_, here, "eth0", network, faults_of(host), std::to_string(host)},
         .log = folder_.path() / ("log_" + here),
         .signal_when_orphaned = SIGKILL}));
    degrade(host, {});
  }
  call({"ip", "link", "set", here, "master", "br0", "up"});
}

void RealHosts::degrade(int host, const CableFaults& faults) {
  const std::string text = to_text(faults);
  write_file_atomically(faults_of(host), text);
  const fs::path seen = faults_of(host).string() + ".seen";
  for (const double end = clock_.now_s() + kPatience_s;
       !fs::exists(seen) || read_file(seen) != text; clock_.sleep(0.01))
    if (clock_.now_s() > end)
      throw IoError(ExitCode::kIo,
                    fmt::format("the cable of {} does not answer: {}", name(host),
                                read_file(folder_.path() / ("log_v" + std::to_string(host)))));
}

std::vector<std::string> RealHosts::on(int host, const std::vector<std::string>& command) const {
  const std::string keeper = std::to_string(keepers_.at(static_cast<std::size_t>(host - 1)));
  std::vector<std::string> words = {"nsenter", "--target=" + keeper,
                                    "--net",   "--uts",
                                    "--mount", "--pid=/proc/" + keeper + "/ns/pid_for_children"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

void RealHosts::cut(int host) { call({"ip", "link", "set", "v" + std::to_string(host), "down"}); }

void RealHosts::mend(int host) { call({"ip", "link", "set", "v" + std::to_string(host), "up"}); }

}  // namespace hadal::launcher
