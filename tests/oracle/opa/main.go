// Program oracle answers what OPA itself says: it reads one JSON request a line and writes one JSON answer a line.
//
// A request of kind "judge" compiles modules once and evaluates allow, fatal and error_message of one package on each of
// many inputs; one of kind "test" runs the `test_*` rules of the modules, as `opa test` does.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/util"
)

type request struct {
	Kind    string            `json:"kind"`
	Modules map[string]string `json:"modules"`
	Package string            `json:"package"`
	Inputs  []json.RawMessage `json:"inputs"`
}

// answer holds the values of one input; a rule that is undefined is absent.
type answer struct {
	Allow        *json.RawMessage `json:"allow,omitempty"`
	Fatal        *json.RawMessage `json:"fatal,omitempty"`
	ErrorMessage *json.RawMessage `json:"error_message,omitempty"`
	// Errors by rule: conflicts and, as in our evaluator, errors of builtins.
	Errors map[string]string `json:"errors,omitempty"`
}

type testResult struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
}

type response struct {
	CompileError string       `json:"compile_error,omitempty"`
	Answers      []answer     `json:"answers"`
	Tests        []testResult `json:"tests"`
}

func main() {
	reader := bufio.NewReaderSize(os.Stdin, 1<<20)
	writer := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 {
			return
		}
		var asked request
		if problem := json.Unmarshal(line, &asked); problem != nil {
			fmt.Fprintln(os.Stderr, "not a request:", problem)
			os.Exit(1)
		}
		if problem := encoder.Encode(respond(context.Background(), asked)); problem != nil {
			fmt.Fprintln(os.Stderr, "cannot answer:", problem)
			os.Exit(1)
		}
		if problem := writer.Flush(); problem != nil {
			os.Exit(1)
		}
		if err != nil {
			return
		}
	}
}

func respond(ctx context.Context, asked request) response {
	modules := map[string]*ast.Module{}
	for name, source := range asked.Modules {
		module, err := ast.ParseModuleWithOpts(name, source, ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			return response{CompileError: err.Error()}
		}
		if module == nil {
			return response{CompileError: name + ": empty module"}
		}
		modules[name] = module
	}
	if asked.Kind == "test" {
		return runTests(ctx, modules)
	}
	compiler := ast.NewCompiler()
	compiler.Compile(modules)
	if compiler.Failed() {
		return response{CompileError: compiler.Errors.Error()}
	}
	answers := make([]answer, len(asked.Inputs))
	for index := range answers {
		answers[index].Errors = map[string]string{}
	}
	for _, rule := range []string{"allow", "fatal", "error_message"} {
		query, err := rego.New(
			rego.Compiler(compiler),
			rego.Query("value := data."+asked.Package+"."+rule),
			rego.StrictBuiltinErrors(true),
		).PrepareForEval(ctx)
		if err != nil {
			return response{CompileError: err.Error()}
		}
		for index, text := range asked.Inputs {
			value, err := evaluate(ctx, query, text)
			if err != nil {
				answers[index].Errors[rule] = err.Error()
				continue
			}
			switch rule {
			case "allow":
				answers[index].Allow = value
			case "fatal":
				answers[index].Fatal = value
			default:
				answers[index].ErrorMessage = value
			}
		}
	}
	return response{Answers: answers}
}

func evaluate(ctx context.Context, query rego.PreparedEvalQuery, text json.RawMessage) (*json.RawMessage, error) {
	var document any
	// Keeps numbers as written; the standard decoder would make floats of them.
	if err := util.UnmarshalJSON(text, &document); err != nil {
		return nil, err
	}
	input, err := ast.InterfaceToValue(document)
	if err != nil {
		return nil, err
	}
	results, err := query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, nil
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(results[0].Bindings["value"]); err != nil {
		return nil, err
	}
	raw := json.RawMessage(bytes.TrimSpace(encoded.Bytes()))
	return &raw, nil
}

func runTests(ctx context.Context, modules map[string]*ast.Module) response {
	store := inmem.New()
	transaction, err := store.NewTransaction(ctx)
	if err != nil {
		return response{CompileError: err.Error()}
	}
	defer store.Abort(ctx, transaction)
	compiler := ast.NewCompiler().WithEnablePrintStatements(true)
	results, err := tester.NewRunner().
		SetCompiler(compiler).
		SetStore(store).
		SetModules(modules).
		EnableTracing(true).
		RaiseBuiltinErrors(true).
		RunTests(ctx, transaction)
	if err != nil {
		return response{CompileError: err.Error()}
	}
	answered := response{}
	for result := range results {
		passed := result.Pass() && result.Error == nil
		if len(result.SubResults) == 0 {
			answered.Tests = append(answered.Tests, testResult{Name: result.Package + "." + result.Name, Passed: passed})
			continue
		}
		for path, sub := range result.SubResults.Iter {
			name := result.Package + "." + result.Name
			for _, part := range path {
				name += "/" + part
			}
			answered.Tests = append(answered.Tests, testResult{Name: name, Passed: !sub.Fail})
		}
	}
	return answered
}
