// See ssh.h.
#include "registry/ssh.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.h"
#include "base/strings.h"
#include "base/unix_socket.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not in FreeBSD's headers

namespace brig::registry {
namespace {

constexpr int not_found = 127;            // sh(1): there is no such command
constexpr std::size_t max_errors = 4096;  // of what the far side says
constexpr int patience = 1000;            // milliseconds for ssh to end by itself

/// For the shell of the far side.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// Descriptors, signals and their mask as a program expects them.
class Spawn {
public:
    Spawn() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        sigset_t set;
        ::sigemptyset(&set);
        ::posix_spawnattr_setsigmask(&attributes_, &set);
        for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGUSR1})
            ::sigaddset(&set, signal);
        ::posix_spawnattr_setsigdefault(&attributes_, &set);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;
    ~Spawn() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    void put(int fd, int at) { ::posix_spawn_file_actions_adddup2(&actions_, fd, at); }

    pid_t start(const std::vector<std::string>& words) {
        std::vector<char*> argv;
        for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        pid_t pid = -1;
        const int error =
            ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
        if (error == ENOENT) {
            throw Error(ErrorKind::failed_precondition,
                        "registries by SSH need {}: install openssh-client", words.front());
        }
        if (error != 0) throw SysError(error, "start " + words.front());
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// Ends it where it does not end by itself.
int wait_for(pid_t pid) {
    int status = 0;
    for (int waited = 0; waited < patience; waited += 10) {
        const pid_t ended = ::waitpid(pid, &status, WNOHANG);
        if (ended == pid) return status;
        if (ended < 0 && errno != EINTR) return 0;
        ::poll(nullptr, 0, 10);
    }
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::string available(int fd) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    std::string out(max_errors, '\0');
    const ssize_t count = ::read(fd, out.data(), out.size());
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return out;
}

/// The last line with anything in it, and nothing that would upset a terminal.
std::string last_line(const std::string& text) {
    std::string out;
    for (const auto& line : split(text, '\n')) {
        if (!trim(line).empty()) out = trim(line);
    }
    std::erase_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return out;
}

}  // namespace

std::vector<std::string> ssh_arguments(const std::vector<std::string>& command,
                                       const oci::SshAddress& address) {
    std::vector<std::string> out = command;
    // Nobody is there to answer a question.
    out.insert(out.end(), {"-T", "-o", "BatchMode=yes"});
    if (!address.port.empty()) out.insert(out.end(), {"-p", address.port});
    if (!address.user.empty()) out.insert(out.end(), {"-l", address.user});
    std::string serve = "brig registry serve --stdio";
    if (!address.path.empty()) serve += " --root " + quoted(address.path);
    out.insert(out.end(), {"--", address.host, serve});
    return out;
}

SshLine::SshLine(const std::vector<std::string>& command, const oci::SshAddress& address)
    : words_(ssh_arguments(command, address)),
      host_(address.host),
      directory_("/tmp", "brig-ssh"),
      listener_(unix_socket()),
      stop_(make_pipe()) {
    const auto where = unix_address(path());
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) < 0 ||
        ::listen(listener_.get(), 16) < 0) {
        throw SysError("listen on {}", path());
    }
    thread_ = std::thread([this] { accept_all(); });
}

SshLine::~SshLine() {
    stop_.second.reset();
    thread_.join();
    end_all();
}

void SshLine::accept_all() {
    for (;;) {
        pollfd ready[] = {{listener_.get(), POLLIN, 0}, {stop_.first.get(), POLLIN, 0}};
        if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
        if (ready[1].revents != 0) return;
        Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) continue;
        const std::scoped_lock lock(mutex_);
        try {
            begin(std::move(connection));
        } catch (const Error& e) {
            failure_ = e.message();
        }
    }
}

void SshLine::begin(Fd connection) {
    auto errors = make_pipe();
    Spawn spawn;
    spawn.put(connection.get(), STDIN_FILENO);
    spawn.put(connection.get(), STDOUT_FILENO);
    spawn.put(errors.second.get(), STDERR_FILENO);
    sessions_.push_back({spawn.start(words_), std::move(errors.first)});
}

void SshLine::end_all() {
    const std::scoped_lock lock(mutex_);
    for (const auto& session : sessions_) {
        const int status = wait_for(session.pid);
        note(status, available(session.errors.get()));
    }
    sessions_.clear();
}

std::optional<std::string> SshLine::failure() {
    end_all();
    const std::scoped_lock lock(mutex_);
    return failure_;
}

void SshLine::note(int status, const std::string& errors) {
    // A session that had to be ended was not at fault.
    if (WIFSIGNALED(status) || WEXITSTATUS(status) == 0) return;
    const auto said = last_line(errors);
    if (WEXITSTATUS(status) == not_found) {
        failure_ = fmt::format("{} has no brig: install it there ({})", host_, said);
    } else if (!said.empty()) {
        failure_ = fmt::format("ssh {}: {}", host_, said);
    } else {
        failure_ = fmt::format("ssh {} ended with status {}", host_, WEXITSTATUS(status));
    }
}

}  // namespace brig::registry
