// Verifies what a log publishes with Go's own packages: its notes, that a leaf is in the log, that one log goes on from
// another. The folder it is given holds what was served: key, earlier and later (notes), leaf, proof (in JSON, of the
// leaf in the log of `later`), consistency (in JSON). It prints what it verified; anything else is a failure.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	Index  int64
	Hashes []string
}

func read(name string) []byte {
	return must(os.ReadFile(filepath.Join(os.Args[1], name)))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hashOf(bytes []byte) (hash tlog.Hash) {
	copy(hash[:], bytes)
	return hash
}

func hashesOf(name string) (found proof, hashes []tlog.Hash) {
	check(json.Unmarshal(read(name), &found))
	for _, one := range found.Hashes {
		hashes = append(hashes, hashOf(must(hex.DecodeString(one))))
	}
	return found, hashes
}

func checkpoint(name string, key note.Verifier) (int64, tlog.Hash) {
	lines := strings.Split(must(note.Open(read(name), note.VerifierList(key))).Text, "\n")
	if lines[0] != key.Name() {
		check(fmt.Errorf("the checkpoint is one of %s", lines[0]))
	}
	return must(strconv.ParseInt(lines[1], 10, 64)), hashOf(must(base64.StdEncoding.DecodeString(lines[2])))
}

func main() {
	key := must(note.NewVerifier(strings.TrimSpace(string(read("key")))))
	first, earlier := checkpoint("earlier", key)
	second, later := checkpoint("later", key)
	inclusion, path := hashesOf("proof")
	check(tlog.CheckRecord(path, second, later, inclusion.Index, tlog.RecordHash(read("leaf"))))
	_, between := hashesOf("consistency")
	check(tlog.CheckTree(between, second, later, first, earlier))
	fmt.Printf("leaf %d is in the log of %d, which goes on from %d\n", inclusion.Index, second, first)
}
