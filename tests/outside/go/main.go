// Command verify-feed checks a groups-feed/v1 folder with the Go project's own packages for signed notes and transparency
// logs, golang.org/x/mod/sumdb/{note,tlog}. It knows of our format only what the packages cannot know: where files lie
// and that a payload line hashes to the digest in its leaf.
//
//	verify-feed FOLDER [HUB-ID]
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "verify-feed: "+format+"\n", args...)
	os.Exit(1)
}

func check(err error, doing string, args ...interface{}) {
	if err != nil {
		fail("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

func read(parts ...string) []byte {
	data, err := os.ReadFile(filepath.Join(parts...))
	check(err, "reading a file of the feed")
	return data
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func verifier(vkey string) note.Verifier {
	v, err := note.NewVerifier(vkey)
	check(err, "reading the key %q", vkey)
	return v
}

// tilePath is a tile's path after its level: x001/x234/067, and .p/W where it is not full.
func tilePath(n int64, w int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if w < width {
		path += fmt.Sprintf(".p/%d", w)
	}
	return path
}

// tiles reads tiles from a folder. C2SP's paths are tile/L/N; those that tlog prints hold the height as well (tile/8/L/N).
type tiles string

func (t tiles) Height() int                             { return 8 }
func (t tiles) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(t), "tile", strconv.Itoa(tile.L), tilePath(tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

type hubDocument struct {
	Hub     string
	Version int
	Root    struct {
		Threshold int
		Vkeys     []string
	}
	Logs []struct{ Origin, Vkey, Prefix string }
}

// openHub verifies the hub document in the folder by the root keys it names, and that it belongs to the hub's id.
func openHub(folder, wanted string) (doc hubDocument) {
	signed := read(folder, ".well-known/groups-hub")
	_, body, _ := strings.Cut(string(signed), "\n")
	line, _, _ := strings.Cut(body, "\n")
	check(json.Unmarshal([]byte(line), &doc), "reading the hub document")
	var roots []note.Verifier
	for _, vkey := range doc.Root.Vkeys {
		roots = append(roots, verifier(vkey))
	}
	n, err := note.Open(signed, note.VerifierList(roots...))
	check(err, "the hub document's root signature")
	if doc.Root.Threshold < 1 || len(n.Sigs) < doc.Root.Threshold {
		fail("the hub document has %d good root signatures and needs %d", len(n.Sigs), doc.Root.Threshold)
	}
	if !strings.HasPrefix(n.Text, "groups-hub/v1\n") {
		fail("the hub document does not begin with groups-hub/v1")
	}
	if !bytes.Equal(signed, read(folder, "hub", strconv.Itoa(doc.Version))) {
		fail("hub/%d is not the hub document that .well-known/groups-hub shows", doc.Version)
	}
	first, _, _ := strings.Cut(string(read(folder, "hub/1")), "\n\n")
	sum := sha256.Sum256([]byte(first + "\n"))
	id := "h-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:32]
	if (wanted != "" && id != wanted) || (doc.Version > 1 && doc.Hub != id) {
		fail("this is hub %s, wanted %s%s", id, wanted, doc.Hub)
	}
	fmt.Printf("hub %s: document version %d signed by %d root key(s)\n", id, doc.Version, len(n.Sigs))
	return doc
}

// leavesOf cuts an entry bundle into its leaves.
func leavesOf(data []byte, path string) (leaves [][]byte) {
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			fail("entry bundle %s ends in the middle of a leaf", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		leaves, data = append(leaves, data[2:end]), data[end:]
	}
	return leaves
}

// checkParts compares every line that is there with the digest its leaf names; an empty line is right whatever the leaf says.
func checkParts(prefix, path string, digests []map[string]string) (lines int) {
	classes, _ := os.ReadDir(filepath.Join(prefix, "part"))
	for _, class := range classes {
		text := string(read(prefix, "part", class.Name(), path))
		rows := strings.SplitAfter(text, "\n")
		if len(rows) != len(digests)+1 || rows[len(digests)] != "" {
			fail("part bundle %s/%s does not have exactly %d ended lines", class.Name(), path, len(digests))
		}
		for i, row := range rows[:len(digests)] {
			if row = strings.TrimSuffix(row, "\n"); row == "" {
				continue
			}
			if digest([]byte(row)) != digests[i][class.Name()] {
				fail("part bundle %s/%s: line %d does not have the digest its leaf names", class.Name(), path, i+1)
			}
			lines++
		}
	}
	return lines
}

func checkLog(folder, prefix, origin, vkey string) {
	v := verifier(vkey)
	checkpoint, err := note.Open(read(prefix, "checkpoint"), note.VerifierList(v))
	check(err, "the checkpoint's signature")
	// Three lines: origin, size, root. The cosignature is a line of a type these packages do not know: it is left alone.
	lines := strings.Split(checkpoint.Text, "\n")
	if len(lines) < 4 || lines[0] != origin || v.Name() != origin {
		fail("the checkpoint is not one of the log %q", origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "the checkpoint's size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "the checkpoint's root")

	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles(prefix))
	// The same tree once more, computed from the leaves alone: older roots come from here, not from the tiles.
	var stored []tlog.Hash
	ours := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	present := 0
	for start := int64(0); start < size; start += width {
		w := width
		if size-start < width {
			w = int(size - start)
		}
		path := tilePath(start/width, w)
		leaves := leavesOf(read(prefix, "tile/entries", path), path)
		if len(leaves) != w {
			fail("entry bundle %s holds %d leaves, not %d", path, len(leaves), w)
		}
		var indexes []int64
		for i := range leaves {
			indexes = append(indexes, tlog.StoredHashIndex(0, start+int64(i)))
		}
		included, err := reader.ReadHashes(indexes)
		check(err, "the tiles below the signed root, at leaf %d", start)
		var digests []map[string]string
		for i, leaf := range leaves {
			index := start + int64(i)
			if tlog.RecordHash(leaf) != included[i] {
				fail("leaf %d is not the one the signed tree holds", index)
			}
			statement, err := note.Open(leaf, note.VerifierList(v))
			check(err, "the signature of leaf %d", index)
			digests = append(digests, checkStatement(folder, statement.Text, index))
			hashes, err := tlog.StoredHashesForRecordHash(index, included[i], ours)
			check(err, "hashing leaf %d", index)
			stored = append(stored, hashes...)
		}
		present += checkParts(prefix, path, digests)
	}
	checkProofs(size, root, reader, ours)
	fmt.Printf("log %s: checkpoint, %d leaves (inclusion and signature), consistency, %d payload lines\n", origin, size, present)
}

// checkStatement reads one leaf's text; returns the digests it names, by class.
func checkStatement(folder, text string, index int64) map[string]string {
	head, body, _ := strings.Cut(text, "\n")
	var statement struct {
		Version int
		Digest  string
		Parts   map[string]string
	}
	check(json.Unmarshal([]byte(body), &statement), "reading leaf %d", index)
	if !strings.HasPrefix(head, "groups-feed/v1 ") {
		fail("leaf %d is of no type of groups-feed/v1", index)
	}
	if head == "groups-feed/v1 hub" {
		document, _, _ := strings.Cut(string(read(folder, "hub", strconv.Itoa(statement.Version))), "\n\n")
		if digest([]byte(document+"\n")) != statement.Digest {
			fail("leaf %d names another hub document than hub/%d", index, statement.Version)
		}
	}
	return statement.Parts
}

// checkProofs proves from the tiles that the signed tree continues the older ones, and that it holds its last leaf.
func checkProofs(size int64, root tlog.Hash, reader, ours tlog.HashReader) {
	if whole, err := tlog.TreeHash(size, ours); size > 0 && (err != nil || whole != root) {
		fail("the root of all leaves is not the signed root (%v)", err)
	}
	for _, old := range []int64{1, size / 3, size - 1} {
		if old < 1 || old >= size {
			continue
		}
		oldRoot, err := tlog.TreeHash(old, ours)
		check(err, "the root at size %d", old)
		proof, err := tlog.ProveTree(size, old, reader)
		check(err, "proving that size %d continues size %d", size, old)
		check(tlog.CheckTree(proof, size, root, old, oldRoot), "size %d does not continue size %d", size, old)
	}
}

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fail("usage: verify-feed FOLDER [HUB-ID]")
	}
	folder, hub := os.Args[1], strings.Join(os.Args[2:], "")
	doc := openHub(folder, hub)
	if len(doc.Logs) == 0 {
		fail("the hub document names no log")
	}
	// A relative prefix is resolved against where the document was fetched from; in a folder, hosts do not matter.
	base, _ := url.Parse("https://feed.example/.well-known/groups-hub")
	for _, log := range doc.Logs {
		place, err := base.Parse(log.Prefix)
		check(err, "the prefix of log %q", log.Origin)
		checkLog(folder, filepath.Join(folder, filepath.FromSlash(place.Path)), log.Origin, log.Vkey)
	}
}
