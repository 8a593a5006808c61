package main

import amqp "github.com/rabbitmq/amqp091-go"

// routing: a direct exchange gives a message to the queues bound with exactly its key.
func routing(conn *amqp.Connection) {
	ch := open(conn)
	logs := unique("direct_logs")
	must(ch.ExchangeDeclare(logs, "direct", false, true, false, false, nil))
	disk, errors := subscriber(ch, logs, "error")
	screen, all := subscriber(ch, logs, "info", "warning", "error")

	for _, line := range []string{"info", "error", "debug", "warning", "error", "errors", ""} {
		publish(ch, logs, line, text(line))
	}
	publish(ch, "", disk, text("end"))
	publish(ch, "", screen, text("end"))
	same("errors", untilEnd(errors), []string{"error", "error"})
	same("all", untilEnd(all), []string{"info", "error", "warning", "error"})
}
