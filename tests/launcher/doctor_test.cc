#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/reference/reference_backend.h"
#include "dist/thread_communicator.h"
#include "launcher/doctor/devices.h"
#include "launcher/doctor/findings.h"
#include "launcher/doctor/host_facts.h"
#include "tests/core/fake_device.h"

namespace hadal::launcher::doctor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class Doctor : public testing::Test {
 protected:
  Doctor() {
    for (const char* host : {"n1", "n2"}) {
      HostFacts facts;
      facts.host = host;
      facts.environment = {{"version", "0.1.0"}, {"commit", "abc"}, {"compiler", "GCC 12"}};
      facts.libraries = {{"libdnnl.so", "/usr/lib/libdnnl.so.2.6"}};
      facts.interfaces = {std::string("eth0 10.0.0.") + host};
      facts.shared_memory_bytes = std::int64_t{1} << 30;
      facts.multiply_adds_per_s = 1e9;
      hosts.push_back(facts);
      disks.push_back({"/runs", "ext4", std::int64_t{100} << 30, 1e9, 1e9});
    }
    links = {{.a = 0, .b = 1, .latency_s = 1e-5, .bytes_per_s = 1e9}};
    devices.by_rank = {{"cuda:0"}, {"cuda:1"}};
  }
  std::vector<Finding> found() { return findings(hosts, disks, links, devices); }
  static auto bad(const char* text) {
    return AllOf(Field(&Finding::level, Level::kBad), Field(&Finding::text, HasSubstr(text)));
  }
  static auto note(const char* text) {
    return AllOf(Field(&Finding::level, Level::kNote), Field(&Finding::text, HasSubstr(text)));
  }

  std::vector<HostFacts> hosts;
  std::vector<DiskReport> disks;
  std::vector<dist::LinkReport> links;
  Devices devices;
};

TEST_F(Doctor, HasNothingToSayOfEqualHosts) { EXPECT_THAT(found(), IsEmpty()); }

TEST_F(Doctor, ProgramsOfTwoCommitsAreBad) {
  hosts[1].environment["commit"] = "def";
  EXPECT_THAT(found(), ElementsAre(bad("commit of the program differs: abc on rank 0 (n1), def")));
}

TEST_F(Doctor, AnotherVersionOfALibraryIsBadAndItsPlaceIsNot) {
  hosts[1].libraries["libdnnl.so"] = "/opt/lib/libdnnl.so.2.6";
  EXPECT_THAT(found(), IsEmpty());
  hosts[1].libraries["libdnnl.so"] = "/opt/lib/libdnnl.so.3.1";
  EXPECT_THAT(found(), ElementsAre(bad("libdnnl.so.3.1 on rank 1 (n2)")));
}

TEST_F(Doctor, TwoMachinesOfOneNameAreBad) {
  hosts[1].host = "n1";
  EXPECT_THAT(found(), ElementsAre(bad("2 machines call themselves n1")));
}

TEST_F(Doctor, LittleSharedMemoryAndAFullDiskAreBad) {
  hosts[0].shared_memory_bytes = 1 << 20;
  disks[1].free_bytes = 1 << 20;
  EXPECT_THAT(found(), ElementsAre(bad("n1: 1.0 MiB left in /dev/shm"), bad("n2: 1.0 MiB left")));
}

TEST_F(Doctor, ASlowHostASlowClockAndASlowLinkAreNoted) {
  hosts.push_back(hosts[1]);
  hosts[2].host = "n3";
  hosts[2].multiply_adds_per_s = 0.5e9;
  disks.push_back(disks[0]);
  links[0].clock_offset_s = -5;
  links.push_back({.a = 0, .b = 2, .bytes_per_s = 1e9});
  links.push_back({.a = 1, .b = 2, .bytes_per_s = 0.1e9});
  EXPECT_THAT(found(), ElementsAre(note("rank 2 (n3) computes at 50 %"), note("ranks 1 (n2) and 2"),
                                   note("the clocks of n1 and n2 are 5.0 s apart")));
}

TEST_F(Doctor, FactsOfThisMachineSurviveTheJourney) {
  SystemTools tools;
  const HostFacts here = host_facts(tools);
  EXPECT_FALSE(here.host.empty());
  EXPECT_GT(here.multiply_adds_per_s, 0);
  EXPECT_TRUE(here.libraries.contains("libc.so"));
  EXPECT_EQ(to_json(host_facts_from_json(to_json(here))), to_json(here));
}

TEST_F(Doctor, ALibraryThatIsNotWhatTheProgramWasBuiltForIsToldByHowFarItIs) {
  hosts[1].versions = {{"oneDNN", {"2.6.3", "2.6.9"}}, {"Open MPI", {"4.1.4", "5.0.1"}}};
  EXPECT_THAT(found(),
              ElementsAre(bad("built for Open MPI 4.1.4 and finds 5.0.1; build it again"),
                          note("n2: the program was built for oneDNN 2.6.3 and finds 2.6.9")))
      << "in order of name";
}

TEST_F(Doctor, AFolderOfEachHostsOwnIsBad) {
  disks[1].is_shared = false;
  EXPECT_THAT(found(), ElementsAre(bad("n2: /runs is not the folder that rank 0 (n1) sees there")));
}

TEST_F(Doctor, FoldersInMemoryAndOnNfsAreNoted) {
  disks[0].file_system = "tmpfs";
  disks[1].file_system = "nfs";
  EXPECT_THAT(found(), ElementsAre(note("n1: /runs lies in memory"), note("n2: /runs is on NFS")));
}

TEST_F(Doctor, ASlurmThatPreemptsWithoutWarningIsNoted) {
  for (HostFacts& facts : hosts)
    facts.slurm = {{"PreemptMode", "REQUEUE"},
                   {"SlurmctldParameters", "(null)"},
                   {"AuthInfo", "cred_expire=5"}};
  EXPECT_THAT(found(), ElementsAre(note("n1: Slurm preempts (REQUEUE) without")));
  hosts[0].slurm = {{"PreemptMode", "OFF"}, {"AuthInfo", "(null)"}};
  EXPECT_THAT(found(), ElementsAre(note("n1: Slurm has no cred_expire")));
}

TEST_F(Doctor, CopiesBetweenRanksThatAreRefusedAreNoted) {
  hosts[0].copies_between_processes = false;
  hosts[0].ptrace_scope = 1;
  EXPECT_THAT(found(), ElementsAre(note("n1: one process may not copy from another's memory "
                                        "(kernel.yama.ptrace_scope is 1")));
}

TEST_F(Doctor, GpusOnSomeRanksAloneAreBadAndOneThatWasNotTakenIsNoted) {
  devices.by_rank[1] = {"cpu", "device auto: no plug-in; going on with cpu"};
  EXPECT_THAT(found(), ElementsAre(note("rank 1 (n2): device auto: no plug-in"),
                                   bad("GPUs on ranks 0 (n1) and none on 1 (n2)")));
  devices.by_rank[0] = {"cpu"};
  EXPECT_THAT(found(), ElementsAre(note("rank 1 (n2): device auto: no plug-in")));
}

TEST_F(Doctor, GpusThatNcclDoesNotConnectAreNotedAndAWrongSumIsBad) {
  devices.exchange = "host memory";
  devices.exchange_note = "rank 1 (n2): NCCL: not found";
  EXPECT_THAT(found(), ElementsAre(note("rank 1 (n2): NCCL: not found")));
  devices.sums = false;
  EXPECT_THAT(found(), ElementsAre(note("NCCL: not found"), bad("through host memory came out")));
}

TEST_F(Doctor, DevicesOfAllRanksSumThroughWhatATrainingWouldUse) {
  dist::run_ranks(2, [](dist::Communicator& comm) {
    ReferenceBackend reference;
    test::FakeDevice device;
    test::FakeDeviceBackend backend(reference, device);
    const Devices found = probe_devices(comm, backend, "");
    EXPECT_EQ(found.by_rank.at(1).device, "fake:0");
    EXPECT_EQ(found.exchange, "host memory");
    EXPECT_TRUE(found.sums);
    EXPECT_EQ(device.live_bytes(), 0u);

    const Devices on_cpu = probe_devices(comm, reference, "why");
    EXPECT_EQ(on_cpu.by_rank.at(0).device, "cpu");
    EXPECT_EQ(on_cpu.by_rank.at(0).note, "why");
    EXPECT_EQ(on_cpu.exchange, "");
  });
}

TEST_F(Doctor, ASharedFolderIsSeenAsLongAsItsMarkLives) {
  const TemporaryFolder folder, other;
  {
    const SharedFolder first(folder.path(), true);
    EXPECT_TRUE(SharedFolder(folder.path(), false).is_seen());
    EXPECT_FALSE(SharedFolder(other.path(), false).is_seen());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(Doctor, ADiskIsMeasuredAndLeftAsItWas) {
  const TemporaryFolder folder;
  const DiskReport report = probe_disk(folder.path(), 8 << 20);
  EXPECT_GT(report.write_bytes_per_s, 0);
  EXPECT_GT(report.read_bytes_per_s, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(probe_disk(folder.path() / "missing", 8 << 20), IoError);
}

}  // namespace
}  // namespace hadal::launcher::doctor
