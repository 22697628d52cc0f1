/* Runs a program and says what it took: bench_measure LOG PROGRAM [ARGUMENT...]
 *
 * Appends a line "exit user_s system_s wall_s peak_kib" to LOG. A program's peak begins with what its parent had when
 * it was forked, so the parent must be smaller than anything that is measured: this one is static and holds nothing. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("bench_measure LOG PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status = 0;
  struct rusage used;
  if (child < 0 || wait4(child, &status, 0, &used) != child) {
    perror("bench_measure");
    return 2;
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const double wall_s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  FILE* log = fopen(argv[1], "a");
  if (log == NULL) {
    perror(argv[1]);
    return 2;
  }
  fprintf(log, "%d %.6f %.6f %.6f %ld\n", code, seconds(used.ru_utime), seconds(used.ru_stime), wall_s, used.ru_maxrss);
  return fclose(log) == 0 ? code : 2;
}
