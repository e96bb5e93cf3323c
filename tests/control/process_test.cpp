// SPDX-License-Identifier: MIT
// memoria-ctl as a process: pipes, signals, exit codes.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <limits>
#include <string>

#include "tests/control/helpers.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::test::SampleStore;

namespace {

const std::string kProgram = MEMORIA_CTL_PROGRAM;

/// Runs a script in which $ctl is the program and $data the data directory.
test::Ran shell(const std::string& data, const std::string& script) {
  const test::TemporaryDirectory directory;
  test::write_whole_file(directory.path("script"), "export TZ=UTC; ctl='" + kProgram + "'; data='" +
                                                       data + "'\n" + script + "\n");
  const auto command = "bash " + directory.path("script") + " 2>" + directory.path("err");
  FILE* pipe = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  test::Ran ran;
  std::array<char, 65536> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    ran.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  ran.err = test::read_whole_file(directory.path("err"));
  return ran;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(values_go_through_pipes_unchanged) {
  const SampleStore place(false);
  const auto ran =
      shell(place.path(),
            "\"$ctl\" get \"$data\" /directory/inner | \"$ctl\" put \"$data-none/below\" /x; "
            "echo ${PIPESTATUS[1]}; \"$ctl\" get \"$data\" /directory/inner");
  BOOST_TEST((ran.out == "3\n" + SampleStore::inner()));
  BOOST_TEST(ran.code == 0);
}

/// What GNU tar makes of an exported archive is what was there.
BOOST_AUTO_TEST_CASE(tar_reads_what_is_exported) {
  for (const bool served : {false, true}) {
    SampleStore place(served);
    place.with_volume([](Volume& volume) {
      const auto file = test::unwrap(volume.resolve("/hello"));
      volume.forget(test::unwrap(volume.link(file.ino, kRootInode, "same")).ino, 1);
      AttributeChanges changes;
      changes.mtime = 1'234'567'890'123'456'789;
      changes.mode = 0640;
      REQUIRE_OK(volume.setattr(file.ino, changes));
      const auto sparse =
          test::unwrap(volume.mknod(kRootInode, "sparse", S_IFREG | 0600, 0, Caller{}));
      REQUIRE_OK(volume.write(sparse.ino, 5'000'000, "end", false));
      volume.forget(sparse.ino, 1);
    });
    const test::TemporaryDirectory out;
    const auto ran = shell(place.path(), "cd " + out.path() + R"sh(
"$ctl" export "$data" >a.tar || echo failed
mkdir x && tar -xpf a.tar -C x
cat x/hello x/same; readlink x/link; cat x/directory/inner | cksum
stat -c '%a %h %s' x/hello; stat -c %y x/hello | cut -d' ' -f2
stat -c '%s' x/sparse; tail -c 4 x/sparse | tr '\0' 0; echo
[ "$(stat -c %b x/sparse)" -lt 100 ] && echo still sparse
"$ctl" snapshot create "$data" s >/dev/null; "$ctl" rm "$data" /hello
"$ctl" export "$data" --snapshot s | tar -xO hello
"$ctl" export "$data" --snapshot none >/dev/null; echo $?
"$ctl" export --json "$data" -o b.tar | grep -c '"clean":true')sh");
    ;
    const auto sum = shell(place.path(), "\"$ctl\" get \"$data\" /directory/inner | cksum").out;
    BOOST_TEST(ran.out == "hello, worldhello, worldhello\n" + sum +
                              "640 2 12\n23:31:30.123456789\n5000003\n0end\nstill sparse\n"
                              "hello, world5\n1\n");
  }
}

/// Whatever the length of a hole, it is no work.
BOOST_AUTO_TEST_CASE(huge_holes_are_exported_and_imported) {
  const SampleStore place(false);
  const auto make = [&](const std::string& name, uint64_t end) {
    const auto volume = test::open_volume(place.path());
    const auto made = test::unwrap(volume->mknod(kRootInode, name, S_IFREG | 0600, 0, Caller{}));
    REQUIRE_OK(volume->write(made.ino, end - 3, "end", false));
    volume->forget(made.ino, 1);
    REQUIRE_OK(volume->close());
  };
  make("huge", uint64_t{1} << 54);
  const test::TemporaryDirectory out;
  const auto ran = shell(place.path(), "cd " + out.path() + R"sh(
timeout 100 "$ctl" export "$data" >a.tar || echo failed
tar -tvf a.tar huge | grep -c " $((1 << 54)) "
"$ctl" import --json "$data" /new -i a.tar | grep -c '"clean":true'
"$ctl" ls -l "$data" /new/huge | grep -c " $((1 << 54)) ")sh");
  BOOST_TEST(ran.out == "1\n1\n1\n", ran.out + ran.err);
  make("largest", uint64_t{std::numeric_limits<int64_t>::max()});
  const auto stopped = shell(place.path(), R"sh(
# In the background bash has SIGINT ignored, which env takes back.
env --default-signal=INT "$ctl" export "$data" >/dev/null 2>&1 &
sleep 0.5; kill -INT $!; wait $!; echo $?)sh");
  BOOST_TEST(stopped.out == "130\n");
}

/// An archive of an archive's tree is the same, but for what only the volume knows.
BOOST_AUTO_TEST_CASE(what_tar_writes_is_imported) {
  for (const bool served : {false, true}) {
    const SampleStore place(served);
    const test::TemporaryDirectory work;
    const auto ran = shell(place.path(), "cd " + work.path() + R"sh(
mkdir -p x/sub x/empty; echo one >x/one; ln x/one x/sub/two; ln -s one x/link; mkfifo x/fifo
echo changed >$'x/odd\xff'; truncate -s 3M x/sparse; echo end >>x/sparse; truncate -s 5M x/sparse
touch -d @1234567890.123456789 x/one; touch -d @1000000000.5 x/sub; chmod 2750 x/sub
tar --format=pax --sparse -cf a.tar -C x .
"$ctl" import "$data" /new -i a.tar
"$ctl" import "$data" /new -i a.tar 2>err; echo $? $(wc -l <err)
gzip <a.tar | "$ctl" import --json "$data" /directory/deep | grep -c '"files":8'
"$ctl" export "$data" -o b.tar >/dev/null
mkdir y; tar -xpf b.tar -C y
diff -r --no-dereference x y/new | grep -v fifo; diff -r --no-dereference x y/directory/deep | grep -v fifo
stat -c '%a %h %y' y/new/one y/new/sub | cut -d. -f1,2 | cut -d' ' -f1-4; [ -p y/new/fifo ] && echo fifo
[ "$(stat -c %b y/new/sparse)" -lt 100 ] && echo still sparse
head -c 3000 a.tar | "$ctl" import "$data" /torn 2>/dev/null; echo $?
"$ctl" import "$data" / -i a.tar 2>/dev/null; echo $?
"$ctl" ls "$data" / | grep -c -e torn -e import
tar -cf c.tar -P --transform 's,^x/one,a/../../b,' x/one x/link
"$ctl" import "$data" /odd -i c.tar >told; echo $? $(grep -c 'not a path' told)
"$ctl" ls "$data" /odd/x
)sh");
    BOOST_TEST(ran.code == 0);
    BOOST_TEST(ran.out.starts_with("imported 8 files, "), ran.out);
    BOOST_TEST(ran.out.find("8 1\n1\n") != std::string::npos, ran.out);
    BOOST_TEST(ran.out.ends_with("fifo\nstill sparse\n6\n8\n0\n6 1\nlink\n"), ran.out);
    BOOST_TEST(ran.out.find("644 2 2009-02-13 23:31:30.123456789") != std::string::npos, ran.out);
    BOOST_TEST(ran.out.find("2750 2 2001-09-09 01:46:40.500000000") != std::string::npos, ran.out);
    BOOST_TEST(ran.out.find("diff") == std::string::npos, ran.out);
  }
}

/// Its input ends nowhere, so that the signal comes in the midst of it.
BOOST_AUTO_TEST_CASE(an_import_that_is_killed_or_interrupted_leaves_nothing) {
  for (const bool served : {false, true}) {
    const SampleStore place(served);
    const test::TemporaryDirectory work;
    const auto ran = shell(place.path(), "cd " + work.path() + R"sh(
mkdir x; for i in $(seq 200); do echo $i >x/$i; done; tar -cf a.tar x; mkfifo input
keys() { "$ctl" ls "$data" / >/dev/null; "$ctl" ls --key "$data" | wc -l; }
before=$(keys)
for bytes in 1 30000 200000; do
  for signal in KILL INT TERM; do
    { head -c $bytes a.tar; exec sleep 60; } >input &
    feeder=$!
    # In the background bash has SIGINT ignored, which env takes back.
    env --default-signal=INT "$ctl" import "$data" /new <input 2>/dev/null &
    importer=$!
    for try in $(seq 100); do  # until it handles SIGTERM
      caught=$(awk '/^SigCgt/ { print $2 }' /proc/$importer/status)
      [ $((0x$caught & 0x4000)) != 0 ] && break; sleep 0.1
    done
    sleep 0.3
    kill -$signal $importer; wait $importer; code=$?
    kill $feeder; wait $feeder
    for try in $(seq 100); do after=$(keys); [ $after = $before ] && break; sleep 0.1; done
    "$ctl" ls "$data" /new >/dev/null 2>&1; echo $bytes $signal $code $? $((after - before))
  done
done
"$ctl" import "$data" /new -i a.tar)sh");
    std::string expected;
    for (const std::string bytes : {"1", "30000", "200000"}) {
      expected += bytes + " KILL 137 5 0\n" + bytes + " INT 130 5 0\n" + bytes + " TERM 130 5 0\n";
    }
    BOOST_TEST(ran.out.starts_with(expected + "imported 201 files"), ran.out);
  }
}

BOOST_AUTO_TEST_CASE(reader_that_stops_early_ends_it_quietly) {
  SampleStore place(true);
  test::put_file(place.volume(), "/large", std::string(8 << 20, 'x'));
  const auto ran =
      shell(place.path(), "\"$ctl\" get \"$data\" /large | head -c 5; echo \" ${PIPESTATUS[0]}\"");
  BOOST_TEST(ran.out == "xxxxx 141\n");
  BOOST_TEST(ran.err == "");
}

BOOST_AUTO_TEST_CASE(interrupt_ends_a_put_that_waits_for_its_input) {
  for (const bool served : {false, true}) {
    SampleStore place(served);
    const auto ran =
        shell(place.path(),
              "mkfifo \"$0.fifo\"; exec 3<>\"$0.fifo\"; echo half >&3\n"
              "timeout --foreground -s INT 1 \"$ctl\" put \"$data\" /hello <&3; "
              "echo $? ; \"$ctl\" put \"$data\" /hello <&3 &\n"
              "sleep 0.5; kill -TERM $!; wait $!; echo $?; \"$ctl\" get \"$data\" /hello");
    // timeout tells 124 when it had to act, whatever the program's own code.
    BOOST_TEST(ran.out == "124\n130\nhello, world");
    BOOST_TEST(ran.err.find("interrupted") != std::string::npos);
  }
}

/// Whenever the signal comes.
BOOST_AUTO_TEST_CASE(what_an_interrupted_command_says_is_what_happened) {
  for (const bool served : {false, true}) {
    const SampleStore place(served);
    const auto ran = shell(place.path(), R"sh(
for i in $(seq 40); do
  # In the background bash has SIGINT ignored, which env takes back.
  env --default-signal=INT "$ctl" snapshot create "$data" s$i >/dev/null 2>&1 &
  sleep 0.0$(printf '%02d' $((i % 20 + 2)))
  kill -INT $! 2>/dev/null; wait $!; code=$?
  [ -d "$data/snapshots/s$i" ]; made=$?
  [ $code:$made = 0:0 ] || [ $code:$made = 130:1 ] || echo "$i: $code, and made: $made"
done)sh");
    BOOST_TEST(ran.out == "");
  }
}

BOOST_AUTO_TEST_CASE(full_output_device_is_an_error) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), "\"$ctl\" stats \"$data\" >/dev/full");
  BOOST_TEST(ran.code == 7);
  BOOST_TEST(ran.err.find("standard output") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_printed_fails_alike_for_all_that_is_asked_for) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), R"sh(
cd "$(dirname "$0")"
for asked in --help --version "get --help" "ls $data"; do
  "$ctl" $asked >/dev/full; echo -n "$? "
  { sleep 0.3; "$ctl" $asked; echo -n "$? " >code; } | true; cat code
  "$ctl" $asked >&-; echo $?
done)sh");
  BOOST_TEST(ran.out == "7 141 8\n7 141 8\n7 141 8\n7 141 8\n", ran.out + ran.err);
}

BOOST_AUTO_TEST_CASE(limit_on_the_size_of_files_is_an_error) {
  const SampleStore place(true);
  const auto ran = shell(place.path(), R"sh(
cd "$(dirname "$0")"; ulimit -f 100
"$ctl" get "$data" /directory/inner -o out; echo $?
"$ctl" export "$data" -o out; echo $?; ls)sh");
  BOOST_TEST(ran.out == "8\n8\nerr\nscript\n", ran.out + ran.err);
  BOOST_TEST(ran.err.find("write out: File too large") != std::string::npos, ran.err);
}

BOOST_AUTO_TEST_CASE(relative_data_directory_and_socket_of_a_served_store_work) {
  const SampleStore place(true);
  const auto ran =
      shell(place.path(), "cd \"$data\" && \"$ctl\" ls . && cd / && \"$ctl\" ls \"$data\"");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.out == "directory\nempty\nhello\nlink\ndirectory\nempty\nhello\nlink\n");
}

/// With their descriptors closed, what a command says goes nowhere, and not into the store's files.
BOOST_AUTO_TEST_CASE(closed_standard_descriptors_are_not_taken_by_files) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), R"sh(
"$ctl" ls "$data" / <&- >&- 2>/dev/null; echo $?
"$ctl" --json rm "$data" /hello <&- >&- 2>&-; echo $?
"$ctl" put "$data" /x - <&- 2>/dev/null; echo $?
grep -vc '^[0-9]*$' "$data/lock"
grep -c path "$data"/* | grep -v ':0'
"$ctl" verify "$data" >/dev/null; echo $?)sh");
  BOOST_TEST(ran.out == "8\n8\n8\n0\n0\n", ran.out + ran.err);
}

BOOST_AUTO_TEST_CASE(an_output_through_links_goes_where_they_lead) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), R"sh(
d=$(dirname "$0"); cd "$d"; umask 022
echo old >private; chmod 600 private; ln -s private link; ln -s link chain; ln -s new dangling
for to in chain dangling; do "$ctl" get "$data" /hello -o $to || echo failed; done
stat -c '%N %a' private chain dangling new
cat private new; echo
ln -s /proc/self/fd/1 stdout
echo before >file; "$ctl" get "$data" /hello -o stdout >>file; cat file; readlink stdout; ls)sh");
  BOOST_TEST(ran.out ==
                 "'private' 600\n'chain' -> 'link' 777\n'dangling' -> 'new' 777\n'new' 644\n"
                 "hello, worldhello, world\nbefore\nhello, world/proc/self/fd/1\n"
                 "chain\ndangling\nerr\nfile\nlink\nnew\nprivate\nscript\nstdout\n",
             ran.out + ran.err);
}

BOOST_AUTO_TEST_CASE(an_archive_to_standard_output_by_name_is_nothing_but_one) {
  const SampleStore place(false);
  const auto ran = shell(place.path(), R"sh(
cd "$(dirname "$0")"; ln -s /proc/self/fd/1 stdout
"$ctl" export "$data" -o stdout >by-name.tar; "$ctl" export "$data" >plain.tar
cmp by-name.tar plain.tar && echo the same
"$ctl" export "$data" -o - | cmp - plain.tar && echo the same
"$ctl" get "$data" /hello -o -; [ -e - ] && echo a file)sh");
  BOOST_TEST(ran.out == "the same\nthe same\nhello, world", ran.out + ran.err);
}

/// As the kernel has it: fs.protected_symlinks.
BOOST_AUTO_TEST_CASE(an_output_does_not_follow_a_stranger_s_link_where_anybody_can_make_one) {
  if (::geteuid() != 0) return;  // only root can give a link away
  const SampleStore place(false);
  const auto ran = shell(place.path(), R"sh(
cd "$(dirname "$0")"; mkdir tmp; chmod 1777 tmp; echo precious >target
ln -s "$PWD/target" tmp/theirs; chown -h 65534 tmp/theirs; ln -s "$PWD/none" tmp/dangling; chown -h 65534 tmp/dangling
ln -s "$PWD/target" tmp/own
for name in theirs dangling own; do "$ctl" get "$data" /hello -o tmp/$name; echo $?; cat target; echo; done
ls)sh");
  BOOST_TEST(ran.out == "2\nprecious\n\n2\nprecious\n\n0\nhello, world\nerr\nscript\ntarget\ntmp\n",
             ran.out + ran.err);
}

BOOST_AUTO_TEST_CASE(help_and_wrong_use_have_their_codes) {
  BOOST_TEST(shell("", "\"$ctl\" --help").code == 0);
  BOOST_TEST(shell("", "\"$ctl\"").code == 2);
  BOOST_TEST(shell("", "\"$ctl\" stats /no/such/directory").code == 3);
}

BOOST_AUTO_TEST_SUITE_END()
