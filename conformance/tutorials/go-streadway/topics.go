package main

import "github.com/streadway/amqp"

// topics: in a topic exchange's binding, * stands for one word and # for any number of words.
func topics(conn *amqp.Connection) {
	ch := open(conn)
	animals := unique("topic_animals")
	must(ch.ExchangeDeclare(animals, "topic", false, true, false, false, nil))
	keys := []string{
		"quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "lazy.brown.fox", "lazy.pink.rabbit",
		"quick.brown.fox", "orange", "quick.orange.new.rabbit", "lazy.orange.new.rabbit", "lazy", "",
	}
	cases := []struct{ bindings, want []string }{
		{[]string{"*.orange.*"}, []string{"quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox"}},
		{[]string{"*.*.rabbit", "lazy.#"}, []string{
			"quick.orange.rabbit", "lazy.orange.elephant", "lazy.brown.fox", "lazy.pink.rabbit", "lazy.orange.new.rabbit", "lazy"}},
		{[]string{"#"}, keys},
		{[]string{"*"}, []string{"orange", "lazy"}},
		{[]string{"#.orange.#"}, []string{
			"quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "orange", "quick.orange.new.rabbit", "lazy.orange.new.rabbit"}},
	}
	queues := []string{}
	received := []<-chan amqp.Delivery{}
	for _, c := range cases {
		queue, deliveries := subscriber(ch, animals, c.bindings...)
		queues = append(queues, queue)
		received = append(received, deliveries)
	}
	for _, key := range keys {
		publish(ch, animals, key, text(key))
	}
	for i, c := range cases {
		publish(ch, "", queues[i], text("end"))
		same("bindings "+c.bindings[0], untilEnd(received[i]), c.want)
	}
}
