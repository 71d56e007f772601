// Helper programs of bootstrap.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "image/bootstrap_kinds.h"

namespace brig::image {
namespace {

constexpr const char* program_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t max_output = 64U << 20U;
constexpr std::size_t max_line = 16 * 1024;
constexpr std::size_t kept_messages = 4;

class SpawnActions {
public:
    SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    void put(int fd, int at) { ::posix_spawn_file_actions_adddup2(&actions_, fd, at); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// Proxies and a fixed locale, nothing else of the engine's environment.
std::vector<std::string> fixed_environment() {
    std::vector<std::string> out{std::string("PATH=") + program_path, "LC_ALL=C",
                                 "DEBIAN_FRONTEND=noninteractive"};
    for (const char* name : {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
                             "NO_PROXY", "TMPDIR", "SSL_CA_CERT_FILE", "SSL_CERT_FILE"}) {
        if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
    }
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

class ProgramOutput : public archive::Source {
public:
    explicit ProgramOutput(Program& program)
        : program_(program), source_(archive::from_fd(program.out())) {}
    std::span<const std::byte> next() override {
        const auto chunk = source_->next();
        if (chunk.empty() && !std::exchange(waited_, true)) program_.wait();
        return chunk;
    }

private:
    Program& program_;
    std::unique_ptr<archive::Source> source_;
    bool waited_ = false;
};

}  // namespace

std::optional<std::string> find_program(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        for (const auto& directory : split(program_path, ':')) {
            const std::string path = directory + "/" + name;
            if (::access(path.c_str(), X_OK) == 0) return path;
        }
    }
    return std::nullopt;
}

Program::Program(const std::vector<std::string>& argv, const Progress& progress,
                 const std::vector<std::string>& environment)
    : name_(std::filesystem::path(argv.front()).filename().string()) {
    FdPair output = make_pipe();
    FdPair errors = make_pipe();
    const Fd null = open_file("/dev/null", O_RDONLY);
    SpawnActions actions;
    actions.put(null.get(), 0);
    actions.put(output.second.get(), 1);
    actions.put(errors.second.get(), 2);
    auto env = fixed_environment();
    env.insert(env.end(), environment.begin(), environment.end());
    const int error = ::posix_spawn(&pid_, argv.front().c_str(), actions.get(), nullptr,
                                    pointers(argv).data(), pointers(env).data());
    if (error != 0) {
        pid_ = -1;
        throw SysError(error, "start " + argv.front());
    }
    out_ = std::move(output.first);
    messages_ = std::move(errors.first);
    reader_ = std::thread([this, &progress] { read_messages(progress); });
}

Program::~Program() {
    if (pid_ >= 0) {
        ::kill(pid_, SIGTERM);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (reader_.joinable()) reader_.join();
}

void Program::read_messages(const Progress& progress) {
    try {
        std::string pending;
        std::array<std::byte, 4096> buffer;
        while (const std::size_t n = read_some(messages_.get(), buffer)) {
            pending.append(reinterpret_cast<const char*>(buffer.data()), n);
            // A progress bar redraws its line by carriage returns.
            for (auto end = pending.find_first_of("\r\n"); end != std::string::npos;
                 end = pending.find_first_of("\r\n")) {
                const std::string line(trim(std::string_view(pending).substr(0, end)));
                pending.erase(0, end + 1);
                if (line.empty()) continue;
                progress(line);
                last_messages_.push_back(line);
                if (last_messages_.size() > kept_messages)
                    last_messages_.erase(last_messages_.begin());
            }
            if (pending.size() > max_line) pending.clear();
        }
    } catch (const std::exception& e) {
        log::warn("{}: {}", name_, e.what());
    }
}

void Program::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
        if (errno != EINTR) throw SysError("wait for {}", name_);
    }
    pid_ = -1;
    reader_.join();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const std::string text = join(last_messages_, "; ");
    throw Error(ErrorKind::failed_precondition, "{} failed: {}", name_,
                text.empty() ? "no message" : text);
}

std::unique_ptr<archive::Source> Program::output() {
    return std::make_unique<ProgramOutput>(*this);
}

std::string run_program(const std::vector<std::string>& argv, const Progress& progress,
                        const std::vector<std::string>& environment) {
    Program program(argv, progress, environment);
    std::string out = read_to_end(program.out(), max_output);
    program.wait();
    return out;
}

}  // namespace brig::image
