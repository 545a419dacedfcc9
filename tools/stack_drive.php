<?php
// What STACK itself makes of its questions: php stack_drive.php CHECKOUT DATA < JSON, for tools/systems.py.
//
// CHECKOUT is maths/moodle-qtype_stack; DATA is a folder of one's own, in which an image of Maxima is kept. Standard input is
// {"questions": [{"xml": …, "responses": [{"ans1": …}, …]}]}; standard output is, by question, how its own tests end and, by
// response, the scores of its trees and what STACK says of its inputs.

[$_, $checkout, $data] = $argv;
chdir("$checkout/api/public");
if (!file_exists("$checkout/api/config.php")) {
    file_put_contents("$checkout/api/config.php", file_get_contents("$checkout/api/config_sample.txt"));
}
require_once('../config.php');
$CFG->dirroot = "$data/moodle";
$CFG->dataroot = $data;
$CFG->libdir = "$checkout/api/emulation/libdir";
$CFG->maximaversion = 'default';
$CFG->castimeout = 120;
$CFG->maximacommand = '';
foreach (['moodle/question/type', 'stack/logs', 'stack/plots', 'stack/tmp'] as $folder) {
    @mkdir("$data/$folder", 0777, true);
}
@symlink($checkout, "$data/moodle/question/type/stack");
require_once("$checkout/api/emulation/MoodleEmulation.php");
// The API takes its defaults from a YAML file, which PHP's own extension reads as well.
eval('namespace Symfony\Component\Yaml; class Yaml {
    const DUMP_MULTI_LINE_LITERAL_BLOCK = 1; const DUMP_COMPACT_NESTED_MAPPING = 2;
    static function parseFile($path) { return yaml_parse_file($path); }
    static function parse($text) { return yaml_parse($text); }
}');
spl_autoload_register(function ($class) use ($checkout) {
    $file = $checkout . '/' . str_replace('\\', '/', $class) . '.php';
    if (file_exists($file)) {
        require_once($file);
    }
});
require_once("$checkout/api/util/StackQuestionLoader.php");
require_once("$checkout/stack/questiontest.php");
require_once("$checkout/stack/cas/installhelper.class.php");
error_reporting(E_ALL & ~E_DEPRECATED & ~E_NOTICE & ~E_WARNING);

$local = stack_cas_configuration::maximalocal_location();
$image = "$data/stack/maxima_opt_auto";
if (!file_exists($image)) {
    $CFG->platform = 'linux';
    file_put_contents($local, stack_cas_configuration::generate_maximalocal_contents());
    $begin = "load(\"$local\")$\n:lisp (si::save-system \"$image\")\nquit();\n";
    file_put_contents("$data/begin.mac", $begin);
    shell_exec("maxima < $data/begin.mac > $data/begin.log 2>&1");
}
file_put_contents($local, "STACK_SETUP(true);\n");
$CFG->platform = 'linux-optimised';
// What Maxima has answered once is kept: most figures of one test are those of the next, and each is a process of a second.
file_put_contents("$data/maxima", <<<'SH'
#!/bin/bash
text=
while IFS= read -r line; do
    text+="$line"$'\n'
    [[ $line == *'quit();' ]] && break
done
answer="$1/answers/$(sha256sum <<< "$text" | cut -d ' ' -f 1)"
[ -f "$answer" ] || { "$2" -eval '(cl-user::run)' <<< "$text" > "$answer.new" 2>&1; mv "$answer.new" "$answer"; }
cat "$answer"
SH);
chmod("$data/maxima", 0755);
@mkdir("$data/answers");
$CFG->maximacommandopt = "$data/maxima $data $image";

$found = [];
foreach (json_decode(stream_get_contents(STDIN), true)['questions'] as $given) {
    ['question' => $question, 'testcases' => $tests] = api\util\StackQuestionLoader::loadxml($given['xml'], true);
    $question->castextprocessor = new castext2_qa_processor(new stack_outofcontext_process());
    $question->initialise_question_from_seed();
    $outcomes = [];
    foreach ($given['tests'] ?? true ? $tests : [] as $test) {
        $response = stack_question_test::compute_response($question, $test->inputs);
        $outcomes[] = $test->process_results($question, $response)->passed_with_reasons();
    }
    $answered = [];
    foreach ($given['responses'] ?? [] as $inputs) {
        $scores = [];
        $said = [];
        foreach ($question->prts as $name => $prt) {
            $result = $question->get_prt_result($name, $inputs, false);
            $scores[$name] = $result->get_score();
            $said[$name] = $result->get_feedback();
            if ($result->get_errors()) {
                $said[$name] .= ' ERRORS ' . implode(' ', (array) $result->get_errors());
            }
        }
        $states = [];
        foreach ($question->inputs as $name => $input) {
            $states[$name] = $question->get_input_state($name, $inputs)->status;
        }
        $summary = $question->summarise_response($inputs);
        $answered[] = ['scores' => $scores, 'states' => $states, 'said' => $said, 'summary' => $summary];
    }
    $found[] = [
        'errors' => array_keys($question->runtimeerrors ?? []),
        'tests' => $outcomes,
        'answered' => $answered,
    ];
}
echo json_encode($found);
