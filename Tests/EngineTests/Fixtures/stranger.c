/* Becomes another user, connects to a socket and asks it to stop. Ends with 0 where it is hung up on without a word, with 1 where
 * something comes back, else with the number of the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count != 2) return 64;
  if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) return 65;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
  const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(connection, (const struct sockaddr *)&address, sizeof address) != 0) return errno;
  static const char line[] = "{\"do\":\"stop\",\"words\":\"stop\"}\n";
  (void)!send(connection, line, sizeof line - 1, MSG_NOSIGNAL);
  char answer = 0;
  return recv(connection, &answer, 1, 0) > 0 ? 1 : 0;
}
