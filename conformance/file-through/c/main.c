/* Lines of a file through a queue, with librabbitmq.
 *
 *   program publish QUEUE < file     one persistent message per line, confirmed, at most WINDOW unconfirmed
 *   program consume QUEUE > copy     acknowledges each line; ends at the end mark and deletes the queue
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <amqp.h>
#include <amqp_tcp_socket.h>

enum { WINDOW = 500, CHANNEL = 1 };
static const char END_MARK[] = "application/x-end"; /* the content type of the message after the last line */

static void fail(const char *doing, const char *why) {
  fprintf(stderr, "%s: %s\n", doing, why);
  exit(1);
}

static void check(int status, const char *doing) {
  if (status < 0) fail(doing, amqp_error_string2(status));
}

/* Fails, with the broker's words if it has any, when the last method was not answered as hoped. */
static void check_reply(amqp_rpc_reply_t reply, const char *doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) fail(doing, amqp_error_string2(reply.library_error));
  amqp_bytes_t text = {0, NULL};
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) text = ((amqp_channel_close_t *)reply.reply.decoded)->reply_text;
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) text = ((amqp_connection_close_t *)reply.reply.decoded)->reply_text;
  fprintf(stderr, "%s: %.*s\n", doing, (int)text.len, (char *)text.bytes);
  exit(1);
}

static amqp_connection_state_t open_connection(void) {
  char url[512];
  struct amqp_connection_info to;
  const char *given = getenv("AMQP_URL");
  if (given == NULL || strlen(given) >= sizeof url) fail("AMQP_URL", "missing or too long");
  strcpy(url, given);
  check(amqp_parse_url(url, &to), "AMQP_URL");
  amqp_connection_state_t conn = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(conn);
  check(amqp_socket_open(socket, to.host, to.port), "connecting");
  check_reply(amqp_login(conn, to.vhost, 0, 131072, 60, AMQP_SASL_METHOD_PLAIN, to.user, to.password), "logging in");
  amqp_channel_open(conn, CHANNEL);
  check_reply(amqp_get_rpc_reply(conn), "opening a channel");
  return conn;
}

/* What was published, and which of it is confirmed; a broker may confirm out of order, but nothing twice. */
struct published {
  uint64_t sent, confirmed, all_up_to; /* messages; messages; every tag up to this one is confirmed */
  unsigned char seen[2 * WINDOW];      /* by tag, around all_up_to */
};

static void confirm(struct published *p, uint64_t tag) {
  unsigned char *seen = &p->seen[tag % sizeof p->seen];
  if (tag <= p->all_up_to || tag > p->sent || *seen) fail("confirmation", "of a tag that is not awaited");
  *seen = 1;
  p->confirmed++;
  while (p->seen[(p->all_up_to + 1) % sizeof p->seen]) p->seen[++p->all_up_to % sizeof p->seen] = 0;
}

static void await_confirmation(amqp_connection_state_t conn, struct published *p) {
  amqp_frame_t frame;
  struct timeval limit = {30, 0};
  check(amqp_simple_wait_frame_noblock(conn, &frame, &limit), "waiting for a confirmation");
  if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
    fail("waiting for a confirmation", "something else came");
  amqp_basic_ack_t *ack = frame.payload.method.decoded;
  uint64_t tag = ack->delivery_tag;
  if (ack->multiple)
    for (uint64_t t = p->all_up_to + 1; t < tag; t++)
      if (t > p->all_up_to && !p->seen[t % sizeof p->seen]) confirm(p, t);
  confirm(p, tag);
  amqp_maybe_release_buffers(conn);
}

static void publish(amqp_connection_state_t conn, amqp_bytes_t queue) {
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  struct published p = {0};
  amqp_basic_properties_t properties = {
      ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
      .content_type = amqp_cstring_bytes("text/plain"),
      .delivery_mode = AMQP_DELIVERY_PERSISTENT,
  };
  amqp_confirm_select(conn, CHANNEL);
  check_reply(amqp_get_rpc_reply(conn), "confirm.select");
  do {
    length = getline(&line, &room, stdin);
    amqp_bytes_t body = {0, line};
    if (length < 0) properties.content_type = amqp_cstring_bytes(END_MARK);
    else body.len = line[length - 1] == '\n' ? length - 1 : length;
    check(amqp_basic_publish(conn, CHANNEL, amqp_empty_bytes, queue, 0, 0, &properties, body), "publishing");
    p.sent++;
    while (p.sent - p.all_up_to >= WINDOW) await_confirmation(conn, &p);
  } while (length >= 0);
  if (ferror(stdin)) fail("reading", "error on standard input");
  while (p.confirmed < p.sent) await_confirmation(conn, &p);
  free(line);
}

static void consume(amqp_connection_state_t conn, amqp_bytes_t queue) {
  amqp_basic_qos(conn, CHANNEL, 0, WINDOW, 0);
  check_reply(amqp_get_rpc_reply(conn), "basic.qos");
  amqp_basic_consume(conn, CHANNEL, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check_reply(amqp_get_rpc_reply(conn), "basic.consume");
  for (int ended = 0; !ended;) {
    amqp_envelope_t envelope;
    struct timeval limit = {30, 0};
    amqp_maybe_release_buffers(conn);
    check_reply(amqp_consume_message(conn, &envelope, &limit, 0), "waiting for a message");
    check(amqp_basic_ack(conn, CHANNEL, envelope.delivery_tag, 0), "acknowledging");
    amqp_bytes_t type = envelope.message.properties.content_type, body = envelope.message.body;
    ended = type.len == strlen(END_MARK) && memcmp(type.bytes, END_MARK, type.len) == 0;
    if (!ended && (fwrite(body.bytes, 1, body.len, stdout) != body.len || putchar('\n') == EOF)) fail("writing", "standard output");
    amqp_destroy_envelope(&envelope);
  }
  amqp_queue_delete(conn, CHANNEL, queue, 0, 1); /* refused if anything were left */
  check_reply(amqp_get_rpc_reply(conn), "queue.delete");
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage", "publish|consume QUEUE");
  amqp_connection_state_t conn = open_connection();
  amqp_bytes_t queue = amqp_cstring_bytes(argv[2]);
  amqp_queue_declare(conn, CHANNEL, queue, 0, 1, 0, 0, amqp_empty_table);
  check_reply(amqp_get_rpc_reply(conn), "queue.declare");
  if (strcmp(argv[1], "publish") == 0) publish(conn, queue);
  else if (strcmp(argv[1], "consume") == 0) consume(conn, queue);
  else fail("usage", "publish|consume QUEUE");
  check_reply(amqp_connection_close(conn, AMQP_REPLY_SUCCESS), "closing");
  check(amqp_destroy_connection(conn), "closing");
  return fflush(stdout) == 0 ? 0 : 1;
}
