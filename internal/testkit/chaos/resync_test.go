package chaos

import "fmt"

// resync loses changes of the source and resynchronizes, while faults are injected. In the end
// the current rows are those of the source.
func (w *environment) resync() {
	w.t.Helper()
	if !w.resynced {
		w.resynced = true
		w.check()
		w.admin("endsync data source torture with (force_unconfirmed)")
	}
	kinds := []string{"new topics", "same topics", "topic recreated", "one table"}
	kind := kinds[w.random.IntN(len(kinds))]
	w.counts["resync: "+kind]++
	w.trail = append(w.trail, "resync: "+kind)
	tables, target := w.source.tables, "data source torture"
	switch kind {
	case "one table":
		i := w.random.IntN(len(tables))
		tables = tables[i : i+1]
		target = fmt.Sprintf("table %s.%s__", w.source.schema(), tables[0].name)
	case "new topics":
		w.check() // unread records of the old topics stay unread
		w.loseRecords(30)
		w.newConnector()
	case "topic recreated":
		w.check() // unread records are deleted with the topic
		w.loseRecords(30)
		w.recreateTopic(w.source.topic(w.someTables()[0]))
	}
	w.loseRecords(10)
	w.beginSync(target, tables)
	w.changeUnderFaults(1 + w.random.IntN(2))
	if w.random.IntN(2) == 0 {
		w.write(w.source.snapshot(tables))
	} else {
		w.write(w.source.incremental(tables))
	}
	w.changeUnderFaults(1 + w.random.IntN(3))
	w.check()
	w.endSync(target, tables)
	w.check()
	w.compareWithSource(tables)
	w.awaitGap(false)
}

// changeUnderFaults makes changes and injects n faults.
func (w *environment) changeUnderFaults(n int) {
	w.t.Helper()
	for range n {
		w.write(w.source.changes(1 + w.random.IntN(150)))
		w.injectFault()
	}
}

// newConnector has another connector stream the source to its own topics.
func (w *environment) newConnector() {
	w.t.Helper()
	w.source.connector++
	w.source.sent = nil
	for _, t := range w.source.tables {
		w.source.encode(t)
	}
	w.createTopics(w.source.topics()...)
	w.admin(fmt.Sprintf("alter data source torture options (set topics '^%s\\.', set consumer_group '%s')", w.source.prefix(), w.source.group()))
}
