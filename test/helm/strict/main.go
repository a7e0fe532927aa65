// Command strict judges rendered Kubernetes manifests as an API server would, without one. It reads YAML documents from
// standard input and prints every problem, one a line; it exits 1 when there is any, 2 when it could not be asked.
//
// Built-in kinds are decoded strictly, defaulted and validated by the code of kube-apiserver itself, and its warnings
// count as problems. Kinds of the Gateway API and of the Prometheus operator are decoded strictly into their Go types.
// Every pod must satisfy a pod security level, "restricted" unless told otherwise, and objects must agree with one another. What admission
// webhooks, quotas and controllers say is not known here.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// report collects problems under the object that they are about.
type report struct {
	problems []string
}

func (r *report) add(about, format string, args ...any) {
	r.problems = append(r.problems, about+": "+fmt.Sprintf(format, args...))
}

func main() {
	namespace := flag.String("namespace", "", "every object must be in this namespace; without it in any, but in one")
	external := flag.String("external", "", "names, separated by commas, of objects that need not be among the rendered ones")
	security := flag.String("security", string(api.LevelRestricted), "the pod security level that every pod must satisfy")
	flag.Parse()
	level, err := api.ParseLevel(*security)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "strict takes manifests from standard input only")
		os.Exit(2)
	}
	found := &report{}
	objects := decode(input, found)
	if len(objects) == 0 {
		found.add("input", "there is no object in it")
	}
	for _, one := range objects {
		judgeMetadata(one, *namespace, found)
		judgeAsServer(one, found)
	}
	pods := podsOf(objects)
	for _, pod := range pods {
		judgeSecurity(pod, level, found)
		judgePod(pod, found)
	}
	judgeAgreement(objects, pods, strings.Split(*external, ","), found)
	for _, problem := range found.problems {
		fmt.Println(problem)
	}
	if len(found.problems) > 0 {
		os.Exit(1)
	}
}
