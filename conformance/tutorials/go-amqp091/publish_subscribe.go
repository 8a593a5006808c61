package main

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// publishSubscribe: a fanout exchange gives every queue bound to it a copy, whatever the routing key.
func publishSubscribe(conn *amqp.Connection) {
	ch := open(conn)
	logs := unique("logs")
	must(ch.ExchangeDeclare(logs, "fanout", false, true, false, false, nil))
	publish(ch, logs, "", text("before anybody listens"))
	first, a := subscriber(ch, logs, "")
	second, b := subscriber(ch, logs, "ignored")
	left, c := subscriber(ch, logs, "")
	must(ch.QueueUnbind(left, "", logs, nil))

	want := []string{}
	for i := 0; i < 5; i++ {
		line := fmt.Sprintf("line %d", i)
		want = append(want, line)
		publish(ch, logs, fmt.Sprintf("key %d", i), text(line))
	}
	for _, q := range []string{first, second, left} {
		publish(ch, "", q, text("end"))
	}
	same("first subscriber", untilEnd(a), want)
	same("second subscriber", untilEnd(b), want)
	same("the one that left", untilEnd(c), []string{})
}
