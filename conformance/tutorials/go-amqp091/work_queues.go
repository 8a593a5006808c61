package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"sort"

	amqp "github.com/rabbitmq/amqp091-go"
)

const tasks = 10

// workQueues: durable tasks for two workers, one at a time each; what a killed worker held goes to the other.
func workQueues(conn *amqp.Connection) {
	ch := open(conn)
	queue := unique("tasks")
	declareTasks(ch, queue)
	want := []string{}
	for i := 0; i < tasks; i++ {
		task := fmt.Sprintf("task %d", i)
		want = append(want, task)
		msg := text(task)
		msg.DeliveryMode = amqp.Persistent
		publish(ch, "", queue, msg)
	}

	doomed := exec.Command(os.Args[0], "worker", queue)
	doomed.Stderr = os.Stderr
	out, err := doomed.StdoutPipe()
	must(err)
	must(doomed.Start())
	defer doomed.Process.Kill()
	line := bufio.NewScanner(out)
	check(line.Scan(), "the other worker got nothing")
	held := line.Text()
	same("first task", held, want[0])

	must(ch.Qos(1, 0, false))
	deliveries, err := ch.Consume(queue, "", false, false, false, false, nil)
	must(err)
	done := []string{}
	for len(done) < tasks-1 { // the other worker holds one and, not having settled it, gets no second
		d := next(deliveries)
		same("redelivered", d.Redelivered, false)
		same("delivery mode", d.DeliveryMode, uint8(amqp.Persistent))
		done = append(done, string(d.Body))
		must(d.Ack(false))
	}
	must(doomed.Process.Kill())
	d := next(deliveries)
	same("task of the killed worker", string(d.Body), held)
	same("redelivered", d.Redelivered, true)
	done = append(done, string(d.Body))
	must(d.Ack(false))

	sort.Strings(done)
	same("tasks done", done, want)
	left, err := ch.QueueDelete(queue, false, false, false)
	must(err)
	same("tasks left", left, 0)
}

// worker: a process of its own that takes a task, says which, and never finishes.
func worker(conn *amqp.Connection, queue string) {
	ch := open(conn)
	declareTasks(ch, queue)
	must(ch.Qos(1, 0, false))
	deliveries, err := ch.Consume(queue, "", false, false, false, false, nil)
	must(err)
	for d := range deliveries {
		fmt.Println(string(d.Body))
	}
}

func declareTasks(ch *amqp.Channel, queue string) {
	_, err := ch.QueueDeclare(queue, true, false, false, false, nil)
	must(err)
}
