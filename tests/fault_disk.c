/* A disk that answers late or not at all: preloaded, it looks into the file DISK_FAULT before each sync.
   The file holds "SECONDS ERRNO": how long to wait, at most while the file is there, and the error to return
   (0: sync as asked). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STEP 0.05

static int faulty(void) {
  const char *path = getenv("DISK_FAULT");
  FILE *file = path ? fopen(path, "r") : NULL;
  double seconds = 0;
  int error = 0;
  if (!file) return 0;
  if (fscanf(file, "%lf %d", &seconds, &error) != 2) error = 0;
  fclose(file);
  for (; seconds > 0 && access(path, F_OK) == 0; seconds -= STEP) {
    double step = seconds < STEP ? seconds : STEP;
    struct timespec wait = {0, (long)(step * 1e9)};
    nanosleep(&wait, NULL);
  }
  errno = error;
  return error;
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return faulty() ? -1 : real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return faulty() ? -1 : real(fd);
}
