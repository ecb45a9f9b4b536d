package main

// grammar is every command there is. kong reads it: the fields' tags are the
// help, the flags and their environment variables, so no name is spelled twice.
type grammar struct {
	Agent agentCommand `cmd:"" group:"Nodes" help:"Run a node."`
	Found foundCommand `cmd:"" group:"Nodes" help:"Found the gradebook: once, on one running node."`
	Leave leaveCommand `cmd:"" group:"Nodes" help:"Take a node out of the cluster for good."`
	Lab   labCommand   `cmd:"" group:"Nodes" help:"Break links on purpose (nodes with --lab)."`

	Status   statusCommand   `cmd:"" group:"Cluster" help:"Show the cluster: nodes, health, who leads."`
	Members  membersCommand  `cmd:"" group:"Cluster" help:"List the nodes, by gossip."`
	Services servicesCommand `cmd:"" group:"Cluster" help:"List the services and who serves them."`
	Events   eventsCommand   `cmd:"" group:"Cluster" help:"Show what happened, and with -f what happens."`
	Logs     logsCommand     `cmd:"" group:"Cluster" help:"Show log records of all nodes."`

	Grades   gradesCommand   `cmd:"" group:"School" help:"Read and write the gradebook."`
	Accounts accountsCommand `cmd:"" group:"School" help:"Who can sign in."`
	Token    tokenCommand    `cmd:"" group:"School" help:"Tokens for programs."`

	Secret      secretCommand      `cmd:"" group:"Tools" help:"The secret that makes nodes a cluster."`
	Sample      sampleCommand      `cmd:"" group:"Tools" help:"Write a sample school as Canvas CSV files."`
	Load        loadCommand        `cmd:"" group:"Tools" help:"Write grades steadily, then count what was lost or doubled."`
	Completions completionsCommand `cmd:"" group:"Tools" help:"Print shell completions."`
	Version     versionCommand     `cmd:"" group:"Tools" help:"Print the version."`
}
