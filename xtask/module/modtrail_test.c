// SPDX-License-Identifier: GPL-2.0
/*
 * modtrail's test module: an init that sleeps, fails or asks for another module, an exit that sleeps, and a
 * control file that asks for modules from the kernel's side.
 *
 * It is built under several names (see Makefile), each with the alias modtrail-test-ROLE and its own defaults
 * of the parameters. The one with CONTROL makes /proc/modtrail_test, which takes one command per write:
 *
 *   request NAME      request_module() in the writer's context
 *   nowait NAME       request_module_nowait()
 *   threads N NAME    N kernel threads released together, each request_module(NAME); "%d" in NAME becomes the
 *                     thread's index; the write returns when all are done
 *   spawn PATH ARGS…  call_usermodehelper(UMH_NO_WAIT): starts a program and does not wait for it at all
 *   around NAME       a driver's suspend callback asks for NAME-suspend from now on, its resume callback for
 *                     NAME-resume, and its shutdown callback for NAME-shutdown, after which it sleeps for four
 *                     seconds; without NAME: not any more
 *   clear             forgets the results
 *
 * Reading gives the results, a line each: "request NAME = RESULT", "thread I NAME = RESULT",
 * "spawn PATH = RESULT", "request NAME-suspend = RESULT".
 *
 * The one with PROBE_REQUEST has a device whose driver is probed asynchronously and asks for that module, for
 * ever: until something is written to its parameter let_go.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kmod.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringify.h>
#include <linux/umh.h>
#include <linux/uaccess.h>

#ifndef INIT_DELAY_MS
#define INIT_DELAY_MS 0
#endif
#ifndef INIT_RESULT
#define INIT_RESULT 0
#endif
#ifndef INIT_REQUEST
#define INIT_REQUEST ""
#endif

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("modtrail test module: " __stringify(ROLE));
MODULE_ALIAS("modtrail-test-" __stringify(ROLE));

static unsigned int init_delay_ms = INIT_DELAY_MS;
module_param(init_delay_ms, uint, 0444);
MODULE_PARM_DESC(init_delay_ms, "milliseconds that init sleeps");

static unsigned int exit_delay_ms;
module_param(exit_delay_ms, uint, 0444);
MODULE_PARM_DESC(exit_delay_ms, "milliseconds that exit sleeps");

static int init_result = INIT_RESULT;
module_param(init_result, int, 0444);
MODULE_PARM_DESC(init_result, "what init returns");

static char *init_request = INIT_REQUEST;
module_param(init_request, charp, 0444);
MODULE_PARM_DESC(init_request, "what init asks for by request_module()");

#ifdef CONTROL

#define COMMAND_MAX 256
#define RESULTS_MAX (256 * 1024)
#define THREADS_MAX 1024

static struct proc_dir_entry *control;
static DEFINE_MUTEX(results_lock);
static char *results;
static size_t results_len;

static void __printf(1, 2) say(const char *format, ...)
{
	va_list args;

	mutex_lock(&results_lock);
	va_start(args, format);
	results_len += vscnprintf(results + results_len, RESULTS_MAX - results_len, format, args);
	va_end(args);
	mutex_unlock(&results_lock);
}

struct crowd {
	struct completion go;
	struct completion done;
	atomic_t left;
};

struct worker {
	struct crowd *crowd;
	struct task_struct *task;
	char name[COMMAND_MAX];
	int result;
};

static int work(void *data)
{
	struct worker *worker = data;
	struct crowd *crowd = worker->crowd;

	wait_for_completion(&crowd->go);
	worker->result = request_module("%s", worker->name);
	if (atomic_dec_and_test(&crowd->left))
		complete(&crowd->done);
	return 0;
}

static void name_for(char *target, const char *pattern, unsigned int index)
{
	const char *hole = strstr(pattern, "%d");

	if (hole)
		snprintf(target, COMMAND_MAX, "%.*s%u%s", (int)(hole - pattern), pattern, index, hole + 2);
	else
		strscpy(target, pattern, COMMAND_MAX);
}

static int threads(unsigned int count, const char *pattern)
{
	struct worker *workers;
	struct crowd crowd;
	unsigned int i, made;
	int error = 0;

	if (count == 0 || count > THREADS_MAX)
		return -EINVAL;
	workers = kvcalloc(count, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return -ENOMEM;
	init_completion(&crowd.go);
	init_completion(&crowd.done);
	for (made = 0; made < count; made++) {
		struct worker *worker = &workers[made];

		worker->crowd = &crowd;
		name_for(worker->name, pattern, made);
		worker->task = kthread_create(work, worker, "modtrail/%u", made);
		if (IS_ERR(worker->task)) {
			error = PTR_ERR(worker->task);
			break;
		}
		get_task_struct(worker->task);
	}
	atomic_set(&crowd.left, made);
	for (i = 0; i < made; i++)
		wake_up_process(workers[i].task);
	complete_all(&crowd.go);
	if (made)
		wait_for_completion(&crowd.done);
	for (i = 0; i < made; i++) {
		/* Waits until it has left our code. */
		kthread_stop(workers[i].task);
		put_task_struct(workers[i].task);
		say("thread %u %s = %d\n", i, workers[i].name, workers[i].result);
	}
	kvfree(workers);
	return error;
}

static void spawned(struct subprocess_info *info)
{
	argv_free(info->argv);
}

static int spawn(const char *line)
{
	static char *environment[] = { "HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct subprocess_info *info;
	char **words = argv_split(GFP_KERNEL, line, NULL);

	if (!words)
		return -ENOMEM;
	/* The words live until the helper has been executed, which this call does not wait for. */
	info = words[0] ? call_usermodehelper_setup(words[0], words, environment, GFP_KERNEL, NULL, spawned, NULL) : NULL;
	if (!info) {
		argv_free(words);
		return -EINVAL;
	}
	return call_usermodehelper_exec(info, UMH_NO_WAIT);
}

static char around[COMMAND_MAX];

static void ask_around(const char *which)
{
	if (*around)
		say("request %s-%s = %d\n", around, which, request_module("%s-%s", around, which));
}

static int test_suspend(struct device *device)
{
	ask_around("suspend");
	return 0;
}

static int test_resume(struct device *device)
{
	ask_around("resume");
	return 0;
}

/* What is seen of a shutdown has to get out of the machine before it is gone. */
static void test_shutdown(struct platform_device *device)
{
	ask_around("shutdown");
	if (*around)
		msleep(4000);
}

static const struct dev_pm_ops test_pm = {
	.suspend = test_suspend,
	.resume = test_resume,
};

static struct platform_driver test_driver = {
	.shutdown = test_shutdown,
	.driver = {
		.name = "modtrail_test",
		.pm = &test_pm,
	},
};

static struct platform_device *test_device;

static int driver_start(void)
{
	int error = platform_driver_register(&test_driver);

	if (error)
		return error;
	test_device = platform_device_register_simple("modtrail_test", -1, NULL, 0);
	if (IS_ERR(test_device)) {
		platform_driver_unregister(&test_driver);
		return PTR_ERR(test_device);
	}
	return 0;
}

static void driver_stop(void)
{
	platform_device_unregister(test_device);
	platform_driver_unregister(&test_driver);
}

static int obey(char *command)
{
	unsigned int count;
	int offset = 0;

	if (strcmp(command, "clear") == 0) {
		mutex_lock(&results_lock);
		results_len = 0;
		mutex_unlock(&results_lock);
		return 0;
	}
	if (strcmp(command, "around") == 0 || strncmp(command, "around ", 7) == 0) {
		strscpy(around, command[6] ? command + 7 : "", COMMAND_MAX);
		return 0;
	}
	if (strncmp(command, "request ", 8) == 0) {
		int result = request_module("%s", command + 8);

		say("request %s = %d\n", command + 8, result);
		return 0;
	}
	if (strncmp(command, "nowait ", 7) == 0) {
		int result = request_module_nowait("%s", command + 7);

		say("nowait %s = %d\n", command + 7, result);
		return 0;
	}
	if (strncmp(command, "spawn ", 6) == 0) {
		int result = spawn(command + 6);

		say("spawn %s = %d\n", command + 6, result);
		return 0;
	}
	if (sscanf(command, "threads %u %n", &count, &offset) == 1 && offset && command[offset])
		return threads(count, command + offset);
	return -EINVAL;
}

static ssize_t control_write(struct file *file, const char __user *text, size_t length, loff_t *position)
{
	char *command;
	int error;

	if (length >= COMMAND_MAX)
		return -E2BIG;
	command = memdup_user_nul(text, length);
	if (IS_ERR(command))
		return PTR_ERR(command);
	error = obey(strim(command));
	kfree(command);
	return error ? error : length;
}

static ssize_t control_read(struct file *file, char __user *buffer, size_t length, loff_t *position)
{
	ssize_t count;

	mutex_lock(&results_lock);
	count = simple_read_from_buffer(buffer, length, position, results, results_len);
	mutex_unlock(&results_lock);
	return count;
}

static const struct proc_ops control_ops = {
	.proc_read = control_read,
	.proc_write = control_write,
	.proc_lseek = default_llseek,
};

static int control_start(void)
{
	int error;

	results = kvzalloc(RESULTS_MAX, GFP_KERNEL);
	if (!results)
		return -ENOMEM;
	error = driver_start();
	control = error ? NULL : proc_create("modtrail_test", 0600, NULL, &control_ops);
	if (!control) {
		if (!error)
			driver_stop();
		kvfree(results);
		return error ? error : -ENOMEM;
	}
	return 0;
}

static void control_stop(void)
{
	proc_remove(control);
	driver_stop();
	kvfree(results);
}

#elif defined(PROBE_REQUEST)

static DEFINE_MUTEX(asking_lock);
static struct task_struct *asking;

static void now_asks(struct task_struct *task)
{
	mutex_lock(&asking_lock);
	asking = task;
	mutex_unlock(&asking_lock);
}

static int let_go(const char *value, const struct kernel_param *parameter)
{
	mutex_lock(&asking_lock);
	if (asking)
		send_sig(SIGKILL, asking, 1);
	mutex_unlock(&asking_lock);
	return 0;
}

static const struct kernel_param_ops let_go_ops = { .set = let_go };
module_param_cb(let_go, &let_go_ops, NULL, 0200);
MODULE_PARM_DESC(let_go, "a write ends the probe's wait, which nothing else does");

/* Runs in a kernel worker. Whoever loads a module waits for it, the helper of this request too. */
static int async_probe(struct platform_device *device)
{
	int result;

	/* No other worker takes signals. */
	allow_signal(SIGKILL);
	now_asks(current);
	result = request_module(PROBE_REQUEST);
	now_asks(NULL);
	disallow_signal(SIGKILL);
	pr_info("asked for %s: %d\n", PROBE_REQUEST, result);
	return 0;
}

static struct platform_driver async_driver = {
	.probe = async_probe,
	.driver = {
		.name = KBUILD_MODNAME,
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
	},
};

static struct platform_device *async_device;

static int control_start(void)
{
	int error = platform_driver_register(&async_driver);

	if (error)
		return error;
	async_device = platform_device_register_simple(KBUILD_MODNAME, -1, NULL, 0);
	if (IS_ERR(async_device)) {
		platform_driver_unregister(&async_driver);
		return PTR_ERR(async_device);
	}
	return 0;
}

static void control_stop(void)
{
	platform_device_unregister(async_device);
	platform_driver_unregister(&async_driver);
}

#else

static int control_start(void)
{
	return 0;
}

static void control_stop(void)
{
}

#endif

static int __init test_init(void)
{
	if (init_delay_ms)
		msleep(init_delay_ms);
	if (init_request && *init_request) {
		int result = request_module("%s", init_request);

		pr_info("asked for %s: %d\n", init_request, result);
	}
	if (init_result)
		return init_result;
	return control_start();
}

static void __exit test_exit(void)
{
	if (exit_delay_ms)
		msleep(exit_delay_ms);
	control_stop();
}

module_init(test_init);
module_exit(test_exit);
