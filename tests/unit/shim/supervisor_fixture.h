// A shim of its own in a child process for every test, with busybox in real containers, or with
// FreeBSD's own programs.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/unix_socket.h"
#include "os/run_program.h"
#include "runtime/runtime.h"
#include "shim/channel.h"
#include "shim/client.h"
#include "shim/daemon.h"

namespace brig::shim {

namespace fs = std::filesystem;

inline constexpr const char* busybox = "/bin/busybox";
inline constexpr const char* freebsd_loader = "/libexec/ld-elf.so.1";

class SupervisorTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "containers need root";
        if (!fs::exists(busybox) && !fs::exists(freebsd_loader))
            GTEST_SKIP() << "needs a static " << busybox;
        rootfs_ = dir_.path() / "rootfs";
        for (const char* name : {"bin", "dev", "proc", "sys", "tmp", "etc"})
            make_directories(rootfs_ / name, 0755);
        fs::exists(freebsd_loader) ? copy_programs() : copy_busybox();
        start_shim();
    }

    void copy_busybox() {
        fs::copy_file(busybox, rootfs_ / "bin/busybox");
        for (const char* name : programs) fs::create_symlink("busybox", rootfs_ / "bin" / name);
    }

    /// The system's own, with the libraries that they are linked to.
    void copy_programs() {
        const std::string root = rootfs_.string();
        std::string commands = fmt::format("set -e; mkdir {0}/lib {0}/libexec; cp {1} {0}/libexec/",
                                           root, freebsd_loader);
        for (const char* name : programs)
            commands += fmt::format("; cp $(which {}) {}/bin/", name, root);
        commands +=
            fmt::format("; cp $(ldd -f '%p\\n' {0}/bin/* | grep '^/' | sort -u) {0}/lib/", root);
        ASSERT_EQ(std::system(commands.c_str()), 0) << commands;
    }

    void TearDown() override {
        if (!client_) return;
        try {
            remove_all();
        } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
        }
        client_.reset();
        stop_shim(SIGKILL);
    }

    void start_shim() {
        shim_ = ::fork();
        if (shim_ == 0) {
            try {
                run_daemon({run(), true});
            } catch (const std::exception& e) {
                log::error("shim of the test: {}", e.what());
            }
            ::_exit(0);
        }
        for (int i = 0; i < 1000; ++i) {
            try {
                connect_unix(run() / "shim.sock");
                break;
            } catch (const Error&) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        }
        if (!client_) client_ = Client::connect({run(), "/nonexistent/brig-shim"});
    }

    void stop_shim(int signal) {
        ::kill(shim_, signal);
        ::waitpid(shim_, nullptr, 0);
        shim_ = 0;
    }

    void remove_all() {
        for (const TaskState& state : client_->list()) {
            if (!state.exec_id.empty()) continue;
            if (state.status == TaskStatus::running || state.status == TaskStatus::paused) {
                client_->kill(state.id, "", SIGKILL, true);
                client_->wait(state.id);
            }
            client_->remove(state.id);
        }
    }

    [[nodiscard]] fs::path run() const { return dir_.path() / "run"; }
    [[nodiscard]] fs::path log_of(const TaskSpec& spec) const {
        return dir_.path() / (spec.id + ".log");
    }

    oci::Process process(std::vector<std::string> args) {
        oci::Process process = runtime::default_spec().process;
        process.args = std::move(args);
        process.env = {"PATH=/bin"};
        process.cwd = "/";
        return process;
    }

    /// A bundle whose process is `sh -c script`.
    TaskSpec make(const std::string& script, bool terminal = false) {
        TaskSpec spec;
        spec.id = "shimtest-" + random_hex(8);
        spec.bundle = run() / "tasks" / spec.id;
        spec.terminal = terminal;
        spec.log.path = log_of(spec);
        make_directories(spec.bundle);
        oci::RuntimeSpec config = runtime::default_spec();
        config.process = process({"/bin/sh", "-c", script});
        config.process.terminal = terminal;
        if (terminal) config.process.console_size = oci::ConsoleSize{.height = 40, .width = 100};
        config.root.path = rootfs_.string();
        if (config.linux) config.linux->cgroups_path = "/" + spec.id;
        write_file_atomic(spec.bundle / "config.json", oci::to_json(config), 0600,
                          Durability::rebuildable);
        return spec;
    }

    ExecSpec make_exec(const TaskSpec& task, const std::string& script, bool terminal = false) {
        oci::Process exec = process({"/bin/sh", "-c", script});
        exec.terminal = terminal;
        return {.id = task.id,
                .exec_id = random_hex(4),
                .process_json = oci::to_json(exec),
                .terminal = terminal};
    }

    /// The log's text of one stream.
    std::string logged(const TaskSpec& spec, const std::string& stream) const {
        std::string text;
        std::istringstream lines(read_file(log_of(spec), 1U << 30U));
        for (std::string line; std::getline(lines, line);) {
            const auto entry = nlohmann::json::parse(line);
            if (entry.at("stream") == stream) text += entry.at("log").get<std::string>();
        }
        return text;
    }

    int run_to_end(const TaskSpec& spec) {
        client_->create(spec);
        client_->start(spec.id);
        return client_->wait(spec.id).status;
    }

    static constexpr std::array programs{"sh",   "cat", "sleep", "true", "stty",
                                         "head", "dd",  "echo",  "tr"};

    TempDir dir_{fs::temp_directory_path(), "brig-shim"};
    fs::path rootfs_;
    pid_t shim_ = 0;
    std::unique_ptr<Client> client_;
};

/// Docker's frames taken apart: {stdout, stderr}.
inline std::pair<std::string, std::string> demultiplex(const std::string& stream) {
    std::string out[3];
    std::size_t i = 0;
    while (i + 8 <= stream.size()) {
        std::size_t size = 0;
        for (std::size_t k = 4; k < 8; ++k)
            size = size << 8U | static_cast<unsigned char>(stream[i + k]);
        out[static_cast<std::size_t>(stream[i])] += stream.substr(i + 8, size);
        i += 8 + size;
    }
    EXPECT_EQ(i, stream.size());
    return {out[1], out[2]};
}

inline std::string read_all(const Fd& stream) { return read_to_end(stream.get(), 1U << 30U); }

inline std::string read_until(const Fd& stream, const std::string& wanted) {
    std::string text;
    std::array<std::byte, 4096> buffer;
    while (text.find(wanted) == std::string::npos) {
        const auto n = read_some(stream.get(), buffer);
        if (n == 0) break;
        text.append(reinterpret_cast<const char*>(buffer.data()), n);
    }
    return text;
}

/// Where there is no /proc to look into, programs of the base system say what it would.
inline std::string said_by(std::string command) {
    return os::run_program({.words = {"sh", "-c", std::move(command)}}).output;
}

inline std::size_t open_descriptors(pid_t pid) {
    const fs::path directory = fmt::format("/proc/{}/fd", pid);
    if (!fs::exists(directory)) {
        const auto lines = said_by(fmt::format("procstat -f {} | awk '$3 ~ /^[0-9]+$/'", pid));
        const auto count = static_cast<std::size_t>(std::ranges::count(lines, '\n'));
        if (count == 0) ADD_FAILURE() << "procstat knows no descriptor of process " << pid;
        return count;
    }
    const fs::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// The numbers of its children, dead ones that nobody has waited for included.
inline std::string children_of(pid_t pid) {
    const fs::path file = fmt::format("/proc/{0}/task/{0}/children", pid);
    if (fs::exists(file)) return read_file(file);
    return said_by(
        fmt::format("ps ax -o ppid= -o pid= -o stat= -o command= | awk '$1 == {}'", pid));
}

}  // namespace brig::shim
