// The init of `run --init`: starts the container's command, passes signals on to it, reaps whatever
// is orphaned, and ends with the command's status. Linked statically, for it runs in any image.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {

[[noreturn]] void run_command(char** command, const sigset_t& mask) {
    // In a group of its own, and in the terminal's foreground where there is a terminal.
    ::setpgid(0, 0);
    ::signal(SIGTTOU, SIG_IGN);
    ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    ::signal(SIGTTOU, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(command[0], command);
    const int error = errno;
    std::fprintf(stderr, "docker-init: exec %s failed: %s\n", command[0], std::strerror(error));
    ::_exit(error == ENOENT ? 127 : 126);
}

/// The command's exit status once it has ended, else -1.
int reap(pid_t command) {
    int result = -1;
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != command) continue;
        result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    char** command = argv + 1;
    if (argc > 1 && std::strcmp(*command, "--") == 0) ++command;
    if (*command == nullptr) {
        std::fprintf(stderr, "usage: %s [--] COMMAND [ARG...]\n", argv[0]);
        return 1;
    }
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
        ::sigdelset(&all, fault);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t child = ::fork();
    if (child < 0) {
        std::perror("docker-init: fork");
        return 1;
    }
    if (child == 0) run_command(command, before);
    for (;;) {
        int signal = 0;
        if (::sigwait(&all, &signal) != 0) continue;
        if (signal == SIGTTIN || signal == SIGTTOU) continue;
        if (signal != SIGCHLD) {
            ::kill(child, signal);
        } else if (const int status = reap(child); status >= 0) {
            return status;
        }
    }
}
