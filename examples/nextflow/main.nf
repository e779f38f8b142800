// A run as a workflow: planned, then a task a job, then put together.
//
//   nextflow run examples/nextflow/main.nf --results $PWD/results \
//       --models "gc kmer" --benchmarks "kircher2019 lentimpra-k562" --jobs 20
//
// The executor, memory and time of tasks are for nextflow.config, as ever. Each task is one call of
// `genomark run-shard`, which may run on any node that sees the folder.

params.results = "$launchDir/results"
params.models = 'gc'
params.benchmarks = 'simulated-enhancers'
params.jobs = 10
// Whatever else `genomark plan` takes, such as '--limit 1000 --seed 1'.
params.options = ''

process PLAN {
    input:
    val results
    val asked
    val jobs

    output:
    stdout

    script:
    """
    cd '$launchDir'
    genomark plan $asked --jobs $jobs --out '$results' --json
    """
}

process JOB {
    tag "$number"

    input:
    val results
    val number

    output:
    val number

    script:
    """
    cd '$launchDir'
    genomark run-shard '$results' $number
    """
}

process MERGE {
    input:
    val results
    val numbers

    script:
    """
    cd '$launchDir'
    genomark merge '$results' --json '$results/results.json'
    """
}

workflow {
    models = params.models.tokenize().collect { "-m '$it'" }
    benchmarks = params.benchmarks.tokenize().collect { "-b '$it'" }
    asked = (models + benchmarks + [params.options]).join(' ')
    planned = PLAN(params.results, asked, params.jobs)
    numbers = planned.flatMap { text ->
        def number = new groovy.json.JsonSlurper().parseText(text).jobs
        number ? (0..<number).toList() : []
    }
    done = JOB(params.results, numbers)
    MERGE(params.results, done.collect().ifEmpty([]))
}
