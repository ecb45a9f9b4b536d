package node

import (
	"net/http"
	"sync"
	"time"

	metrics "github.com/armon/go-metrics"
	metricsprom "github.com/armon/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
)

// libraryMetrics collects what serf, memberlist and raft measure. They know one
// place per process only, so nodes that share a process share these.
var libraryMetrics = sync.OnceValues(func() (prometheus.Gatherer, error) {
	reg := prometheus.NewRegistry()
	sink, err := metricsprom.NewPrometheusSinkFrom(metricsprom.PrometheusOpts{Registerer: reg, Expiration: time.Minute})
	if err != nil {
		return nil, err
	}
	cfg := metrics.DefaultConfig("rollcall")
	cfg.EnableHostname, cfg.EnableRuntimeMetrics = false, false
	_, err = metrics.NewGlobal(cfg, sink)
	return reg, err
})

// metrics returns the handler of /metrics, in Prometheus' format. Each node has
// a registry of its own, read when it is scraped.
func (n *Node) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), nodeMetrics{n})
	all := prometheus.Gatherers{reg}
	if libraries, err := libraryMetrics(); err != nil {
		n.log.Warn("metrics of serf and raft are missing", "error", err)
	} else {
		all = append(all, libraries)
	}
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{})
}

var (
	descMembers   = prometheus.NewDesc("rollcall_members", "Members as gossip knows them, by status.", []string{"status"}, nil)
	descRole      = prometheus.NewDesc("rollcall_role_served", "1 for each role that this node promises.", []string{"role"}, nil)
	descHealth    = prometheus.NewDesc("rollcall_health", "0 passing, 1 warning, 2 critical, by part.", []string{"part"}, nil)
	descSpool     = prometheus.NewDesc("rollcall_logs_spool_bytes", "Log bytes that wait for enough log nodes.", nil, nil)
	descStored    = prometheus.NewDesc("rollcall_logs_stored_bytes", "Log bytes stored here for the cluster.", nil, nil)
	descIndex     = prometheus.NewDesc("rollcall_grading_index", "Last log index applied to this copy of the gradebook.", nil, nil)
	descLag       = prometheus.NewDesc("rollcall_grading_lag_entries", "Committed entries this copy has still to apply.", nil, nil)
	descTerm      = prometheus.NewDesc("rollcall_grading_term", "Raft term.", nil, nil)
	descLeader    = prometheus.NewDesc("rollcall_grading_leader", "1 while this node leads the gradebook.", nil, nil)
	descUnreached = prometheus.NewDesc("rollcall_peers_unreachable", "Nodes whose last calls from here failed.", nil, nil)
)

// nodeMetrics reads the node's own numbers at each scrape.
type nodeMetrics struct{ n *Node }

var _ prometheus.Collector = nodeMetrics{}

// Describe implements prometheus.Collector.
func (nodeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descMembers, descRole, descHealth, descSpool, descStored, descIndex, descLag, descTerm, descLeader, descUnreached} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m nodeMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := map[membership.Status]int{membership.StatusAlive: 0, membership.StatusFailed: 0, membership.StatusLeft: 0, membership.StatusLeaving: 0}
	for _, member := range m.n.agent.Members() {
		count[member.Status]++
	}
	for status, c := range count {
		gauge(descMembers, float64(c), string(status))
	}
	r := m.n.report()
	for _, role := range r.Roles {
		gauge(descRole, 1, role)
	}
	for _, c := range r.Health {
		gauge(descHealth, map[health.Status]float64{health.Passing: 0, health.Warning: 1, health.Critical: 2}[c.Status], c.Name)
	}
	gauge(descSpool, float64(r.SpoolBytes))
	gauge(descUnreached, float64(len(r.Unreachable)))
	if r.Log != nil {
		gauge(descStored, float64(r.Log.Bytes))
	}
	if g := r.Grading; g != nil {
		gauge(descIndex, float64(g.Index))
		gauge(descLag, float64(g.Lag))
		gauge(descTerm, float64(g.Term))
		gauge(descLeader, map[bool]float64{true: 1}[g.Leader == r.ID])
	}
}
