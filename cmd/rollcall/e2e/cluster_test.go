package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Sign-in of the two people whom every cluster has.
const (
	adminPassword   = "an admin's long password"
	teacherPassword = "a teacher's long password"
)

// cluster is some agents that found each other.
type cluster struct {
	t      testing.TB
	dir    string
	secret string // file
	token  string // of the teacher
	nodes  []*process
}

// newCluster starts n agents, founds the gradebook, makes an admin and a
// teacher, and imports the named courses of the sample school. When the test
// ends so do the agents; what they said is printed if it failed.
func newCluster(t testing.TB, n int, courses ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir()}
	c.secret = filepath.Join(c.dir, "secret")
	ports := freePorts(t, ownHost(t), 3*n)
	for i := range n {
		p := &process{
			name: fmt.Sprintf("n%d", i+1), dir: filepath.Join(c.dir, fmt.Sprintf("n%d", i+1)),
			http: ports[3*i], cluster: ports[3*i+1], gossip: ports[3*i+2],
		}
		must(t, os.Mkdir(p.dir, 0o700))
		c.nodes = append(c.nodes, p)
	}
	for _, p := range c.nodes {
		var others []string
		for _, o := range c.nodes {
			if o != p {
				others = append(others, o.gossip)
			}
		}
		p.args = []string{"agent", "--name", p.name, "--data-dir", p.data(), "--secret-file", c.secret,
			"--http", p.http, "--cluster", p.cluster, "--gossip", p.gossip, "--join", strings.Join(others, ",")}
	}
	t.Cleanup(c.end)

	start := time.Now()
	c.cli("", "secret", "new", "--out", c.secret)
	for _, p := range c.nodes {
		p.start(t)
	}
	c.cli("", "status", "--quiet", "--members", fmt.Sprint(n), "--within", "60s")
	c.at(c.nodes[0], "found")
	c.healthy()
	up := time.Since(start)
	c.cli(adminPassword+"\n", "accounts", "create", "admin", "--role", "admin", "--display", "Ada Admin")
	c.cli(teacherPassword+"\n", "accounts", "create", "teacher", "--role", "teacher", "--display", "Tom Teacher")
	c.school(courses)
	c.token = strings.TrimSpace(c.cli("", "token", "create", "e2e", "--account", "teacher"))
	for _, p := range c.nodes {
		eventually(t, 15*time.Second, p.name+" knows the teacher's token", func() error {
			return c.get(p, "/v1/session", nil)
		})
	}
	measured(t, "%d nodes healthy after %v, school imported after %v", n, round(up), round(time.Since(start)))
	return c
}

// school imports courses of the sample school as every user imports.
func (c *cluster) school(courses []string) {
	c.t.Helper()
	dir := filepath.Join(c.dir, "sample")
	c.cli("", "sample", dir)
	for _, code := range courses {
		base := filepath.Join(dir, strings.ToLower(code))
		c.cli("", "grades", "create", "--from", base+".json", "--teacher", "teacher")
		c.cli("", "grades", "import", code, base+".csv")
	}
}

// end stops what runs, and says what was said when the test failed.
func (c *cluster) end() {
	for _, p := range c.nodes {
		if p.runs() {
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
		if c.t.Failed() {
			c.t.Logf("%s said at last:\n%s", p.name, p.tail(60))
		}
	}
}

// node returns a node by name or id.
func (c *cluster) node(name string) *process {
	c.t.Helper()
	i := slices.IndexFunc(c.nodes, func(p *process) bool { return p.name == name })
	if i < 0 {
		c.t.Fatalf("there is no node %q", name)
	}
	return c.nodes[i]
}

// running lists the nodes whose processes are there.
func (c *cluster) running() []*process {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(p *process) bool { return !p.runs() })
}

// others lists the running nodes without p.
func (c *cluster) others(p *process) []*process {
	return slices.DeleteFunc(c.running(), func(o *process) bool { return o == p })
}

// cli runs a command as an administrator, against all nodes that run.
func (c *cluster) cli(stdin string, args ...string) string {
	c.t.Helper()
	var nodes []string
	for _, p := range c.running() {
		nodes = append(nodes, p.http)
	}
	return c.run(stdin, strings.Join(nodes, ","), args...)
}

// at runs a command against one node and no other.
func (c *cluster) at(p *process, args ...string) string {
	c.t.Helper()
	return c.run("", p.http, args...)
}

func (c *cluster) run(stdin, nodes string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = cleanEnvironment("ROLLCALL_NODE="+nodes, "ROLLCALL_SECRET_FILE="+c.secret)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("rollcall %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// view is what GET /v1/cluster says, as far as these stories ask.
type view struct {
	Gradebook    string
	SeenBy       string
	Headline     string
	Worst        string
	Nodes        []member
	RegistryLead *struct{ ID string }
	Grading      *struct {
		Leader string
		Term   uint64
		Voters []string
		Quorum bool
	}
}

type member struct {
	ID, Name, Status, Worst string
	Roles                   []string
	Grading                 *struct {
		Voter      bool
		Index, Lag uint64
	}
}

// view asks one node for the cluster as it sees it.
func (c *cluster) view(p *process) (v view, err error) {
	err = c.get(p, "/v1/cluster", &v)
	return v, err
}

// name turns a node id into a name.
func (v view) name(id string) string {
	for _, n := range v.Nodes {
		if n.ID == id {
			return n.Name
		}
	}
	return ""
}

// id turns the name of a node that is alive into its id.
func (v view) id(name string) string {
	for _, n := range v.Nodes {
		if n.Name == name && n.Status == "alive" {
			return n.ID
		}
	}
	return ""
}

// status returns the status of the node with an id; "" when it is not known.
func (v view) status(id string) string {
	for _, n := range v.Nodes {
		if n.ID == id {
			return n.Status
		}
	}
	return ""
}

// now asks the nodes that run until one has a whole view.
func (c *cluster) now() (v view) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, "a view with a leader and a lead", func() error {
		err := errors.New("no node runs")
		for _, p := range c.running() {
			if v, err = c.view(p); err == nil && (v.Grading == nil || v.name(v.Grading.Leader) == "" || v.RegistryLead == nil) {
				err = errors.New(v.Headline)
			}
			if err == nil {
				return nil
			}
		}
		return err
	})
	return v
}

// leader is the node that leads the gradebook now; lead the one that probes.
func (c *cluster) leader() *process { v := c.now(); return c.node(v.name(v.Grading.Leader)) }
func (c *cluster) lead() *process   { v := c.now(); return c.node(v.name(v.RegistryLead.ID)) }

// healthy waits until every node that runs agrees that all of them are well,
// that each has a vote and has caught up, and that there is a leader. It
// returns how long that took.
func (c *cluster) healthy() time.Duration {
	c.t.Helper()
	nodes := c.running()
	for _, p := range nodes {
		p.ready(c.t)
	}
	return eventually(c.t, 60*time.Second, "all nodes well", func() error {
		for _, p := range nodes {
			v, err := c.view(p)
			if err != nil {
				return err
			}
			if err := v.lacks(nodes); err != nil {
				text, _ := json.Marshal(v)
				return fmt.Errorf("%s sees: %w: %s", p.name, err, text)
			}
		}
		return nil
	})
}

func (v view) lacks(nodes []*process) error {
	if v.Grading == nil || v.Grading.Leader == "" || !v.Grading.Quorum {
		return errors.New("the gradebook has no leader")
	}
	for _, p := range nodes {
		i := slices.IndexFunc(v.Nodes, func(n member) bool { return n.Name == p.name && n.Status == "alive" })
		switch {
		case i < 0:
			return fmt.Errorf("%s is not alive", p.name)
		case v.Nodes[i].Worst != "passing":
			return fmt.Errorf("%s is %s", p.name, v.Nodes[i].Worst)
		case len(v.Nodes[i].Roles) < 4:
			return fmt.Errorf("%s serves %v only", p.name, v.Nodes[i].Roles)
		}
	}
	return nil
}

// ownHost returns a loopback address that no other cluster of this machine
// uses: on Linux all of 127.0.0.0/8 is there.
func ownHost(t testing.TB) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	ln.Close()
	return host
}

// freePorts returns n addresses of host that are free for TCP and UDP, each
// another one: all are held until the last is found. They stay the nodes' when
// those restart.
func freePorts(t testing.TB, host string, n int) []string {
	t.Helper()
	var addrs []string
	for len(addrs) < n {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		must(t, err)
		defer ln.Close()
		if udp, err := net.ListenPacket("udp", ln.Addr().String()); err == nil {
			udp.Close()
			addrs = append(addrs, ln.Addr().String())
		}
	}
	return addrs
}
